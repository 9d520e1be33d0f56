/** The command as the package ships it: compiled. */
import { main } from '../../daemon/main.ts'

await main(process.argv.slice(2))
