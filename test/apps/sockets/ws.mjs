import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'

const server = createServer((_req, res) => res.end(`${process.pid}`))
const sockets = new WebSocketServer({ server })
sockets.on('connection', socket => socket.on('message', text => socket.send(`${process.pid} ${text}`)))

export default server
