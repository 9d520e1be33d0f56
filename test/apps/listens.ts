/** Exports nothing; a stand-in for all the apps that start themselves. */
import { createServer } from 'node:http'

const server = createServer((_req, res) => res.end('listens'))

server.listen(process.env.PORT ?? 3000, () => console.log('listening on', JSON.stringify(server.address())))
