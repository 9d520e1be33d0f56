import Fastify from 'fastify'

const app = Fastify()
app.get('/', async () => 'fastify')
app.addHook('onClose', async () => console.log('fastify is closed'))

export default app
