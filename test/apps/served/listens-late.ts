import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'

const server = createServer(async (req, res) => res.end(`listens-late ${process.pid} ${await text(req)}`))

/** As apps do that connect to their database first: the module has long been imported. */
setTimeout(() => server.listen(process.env.PORT ?? 3000), 50)
