/** A Fastify app that each worker has made for itself, and closes when it leaves. */
import Fastify from 'fastify'

/** A factory, called once in every worker; plugins are ready before the first request. */
export async function build() {
  const app = Fastify()
  app.get('/', async () => 'Hello from Fastify\n')
  // Runs when the worker leaves, after its last response.
  app.addHook('onClose', async () => console.log(`worker ${process.pid} is closed`))
  return app
}
