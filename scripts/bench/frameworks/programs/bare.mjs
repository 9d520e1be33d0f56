/** No framework at all. */
import { createServer } from 'node:http'

export default function app(req, res) {
  if (req.url === '/json') {
    res.setHeader('Content-Type', 'application/json')
    return res.end(JSON.stringify({ hello: 'world' }))
  }
  res.setHeader('Content-Type', 'text/plain;charset=UTF-8')
  res.end('hello')
}

export const listen = ({ port, host }) => createServer(app).listen(port, host)
