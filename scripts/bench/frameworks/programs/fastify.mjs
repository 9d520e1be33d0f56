import fastify from 'fastify'

const app = fastify()
app.get('/', async (_request, reply) => reply.type('text/plain').send('hello'))
app.get('/json', async () => ({ hello: 'world' }))

export default app

export async function listen({ port, host }) {
  await app.listen({ port, host })
  return app.server
}
