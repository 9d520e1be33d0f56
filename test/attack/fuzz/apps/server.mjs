/** An attacked `http.Server` of the app's own, which takes WebSockets and CONNECT as well. */
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { answer } from './answers.mjs'

const server = createServer((req, res) => answer(req, res))
const sockets = new WebSocketServer({ server, path: '/socket', perMessageDeflate: true })
sockets.on('connection', socket => {
  socket.on('message', message => socket.send(message)).on('error', () => socket.terminate())
})
server.on('connect', (_req, socket) => {
  socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
  socket.pipe(socket)
})

export default server
