import Fastify from 'fastify'

const app = Fastify()

app.all('/', async request => `fastify ${process.pid} ${request.body ?? ''}`)

export default app
