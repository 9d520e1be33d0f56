/** A server that knows nothing of tsicorn: `node server.js` runs one process of it, `npx tsicorn` several. */
import { createServer } from 'node:http'

const server = createServer((_req, res) => {
  res.setHeader('Content-Type', 'text/plain; charset=utf-8')
  res.end(`Hello from process ${process.pid}\n`)
})

server.listen(process.env.PORT ?? 3000)
