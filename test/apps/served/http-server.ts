import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'

export default createServer(async (req, res) => res.end(`http-server ${process.pid} ${await text(req)}`))
