/** One bare process: alone, as a worker of the limit, or in PM2's cluster mode. */
import { createServer, place } from './create-server.ts'

const server = await createServer()
server.listen(place())
process.once('disconnect', () => process.exit())
