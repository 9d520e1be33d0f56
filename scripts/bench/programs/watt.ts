/** What a thread of Watt runs. */
import { createServer } from './create-server.ts'

export const create = createServer
