import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'

const server = createServer(async (req, res) => res.end(`listens ${process.pid} ${await text(req)}`))

server.listen(process.env.PORT ?? 3000)
