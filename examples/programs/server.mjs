/** A server of Node that finishes what it has: tsicorn -k exec --ready-line serves -- node server.mjs */
import { createServer } from 'node:http'

const server = createServer((req, res) => {
  const answer = () => res.end(`Hello from process ${process.pid}\n`)
  setTimeout(answer, req.url === '/slow' ? 2_000 : 0)
})
server.listen({ fd: 3 }, () => console.log('It serves'))
process.once('SIGTERM', () => server.close())
