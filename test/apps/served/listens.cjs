const { createServer } = require('node:http')
const { text } = require('node:stream/consumers')

const server = createServer(async (req, res) => res.end(`listens ${process.pid} ${await text(req)}`))

server.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' })
