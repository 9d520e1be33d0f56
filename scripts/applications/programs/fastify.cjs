const fastify = require('fastify')({ logger: true })

fastify.get('/', async function handler(request, reply) {
  return 'Hello World!'
})

fastify.listen({ port: process.env.PORT }, err => {
  if (err) {
    fastify.log.error(err)
    process.exit(1)
  }
})
