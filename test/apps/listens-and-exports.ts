import { createServer } from 'node:http'

export default createServer((_req, res) => res.end('the server that listens'))

createServer((_req, res) => res.end('the server that listens')).listen(process.env.PORT)
