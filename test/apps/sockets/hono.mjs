import { createAdaptorServer, upgradeWebSocket } from '@hono/node-server'
import { Hono } from 'hono'
import { WebSocketServer } from 'ws'

const app = new Hono()
app.get('/', c => c.text(`${process.pid}`))
app.get(
  '/socket',
  upgradeWebSocket(() => ({ onMessage: ({ data }, socket) => socket.send(`${process.pid} ${data}`) })),
)

export default createAdaptorServer({
  fetch: app.fetch,
  websocket: { server: new WebSocketServer({ noServer: true }) },
})
