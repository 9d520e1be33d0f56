/** An attacked Fastify app: a WebSocket and some answers of its own, and shared ones on hijacked replies. */
import websocket from '@fastify/websocket'
import Fastify from 'fastify'
import { answer } from './answers.mjs'

const app = Fastify()
await app.register(websocket)
app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
app.get('/socket', { websocket: true }, socket => {
  socket.on('message', message => socket.send(message))
})
app.all('/echo', async request => request.body ?? '')
app.all('/large', async () => 'large '.repeat(100_000))
app.all('/throw', async () => {
  throw new Error('Thrown on purpose')
})
for (const path of ['/early', '/slow', '/stream', '/ignore']) {
  app.all(path, (request, reply) => {
    reply.hijack()
    answer(request.raw, reply.raw)
  })
}
app.all('/', async request => `${request.method} ${request.body ?? ''}`)

export default app
