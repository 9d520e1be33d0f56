/** An app of Fastify: exported for tsicorn, and as a listener for the others. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import fastify from 'fastify'

const app = fastify()
app.get('/', async (_request, reply) => reply.type('text/plain').send('hello'))

export default app

export const listener = (req: IncomingMessage, res: ServerResponse) => app.routing(req, res)

/** What has to be awaited before the listener serves. */
export const prepare = () => app.ready()
