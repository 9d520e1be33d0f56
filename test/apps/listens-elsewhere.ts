/** Asks for a port of its own choice. */
import { createServer } from 'node:http'

createServer((_req, res) => res.end('elsewhere')).listen(Number(process.env.OWN_PORT), '127.0.0.1')
