import Fastify from 'fastify'

export async function build({ name = 'nameless' } = {}) {
  const app = Fastify()
  app.all('/', async request => `${name} ${process.pid} ${request.body ?? ''}`)
  return app
}
