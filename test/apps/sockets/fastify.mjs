import websocket from '@fastify/websocket'
import Fastify from 'fastify'

const app = Fastify()
await app.register(websocket)
app.get('/', () => `${process.pid}`)
app.get('/socket', { websocket: true }, socket => {
  socket.on('message', text => socket.send(`${process.pid} ${text}`))
})

export default app
