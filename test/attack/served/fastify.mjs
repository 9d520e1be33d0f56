/** An app of Fastify. */
import Fastify from 'fastify'
import { answer, isHonest } from './honest.mjs'

export async function build() {
  const app = Fastify({ bodyLimit: 2 ** 20 })
  app.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume()
    payload.once('end', () => done(null, ''))
  })
  // Before the body is read: honest clients are served from the request itself.
  app.addHook('onRequest', async (request, reply) => {
    if (!isHonest(request.raw.url)) return
    reply.hijack()
    await answer(request.raw, reply.raw)
  })
  app.all('/*', async request => `${request.method} ${request.url}`)
  return app
}
