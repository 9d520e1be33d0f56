/** Listens only after something else is done, when the module has long been imported. */
import { createServer } from 'node:http'

setTimeout(() => createServer((_req, res) => res.end('listens late')).listen(process.env.PORT), 50)
