import Fastify from 'fastify'

const app = Fastify()
app.get('/', async () => 'fastify listens')
await app.listen({ port: Number(process.env.PORT) })
