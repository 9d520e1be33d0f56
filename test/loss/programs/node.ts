/**
 * A program of Node that serves the harness's app on inherited sockets, and that loses nothing when it is told to leave:
 * what a worker of kind `exec` has to do itself.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Server, type Socket } from 'node:net'
import app from '../app.ts'

/** How long a connection has to be without a request until it is closed, in milliseconds, and how often to look. */
const idleMs = 1_000
const lookMs = 100

const lastUse = new Map<Socket, number>()
const busy = new Set<Socket>()
const ending = new Set<Socket>()
let isLeaving = false

const servers = Array.from({ length: Number(process.env.LISTEN_FDS) }, (_, index) => {
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, answer)
  server.on('connection', (socket: Socket) => {
    lastUse.set(socket, performance.now())
    socket.once('close', () => lastUse.delete(socket))
  })
  return server.listen({ fd: 3 + index })
})

function answer(req: IncomingMessage, res: ServerResponse): void {
  const { socket } = req
  busy.add(socket)
  // With `Connection: close`, the client sends its next request on another connection.
  if (isLeaving) res.shouldKeepAlive = false
  res.once('close', () => {
    busy.delete(socket)
    if (!socket.destroyed) lastUse.set(socket, performance.now())
  })
  void app(req, res)
}

// It may be told more than once, and finishes all the same.
process.on('SIGTERM', () => {
  if (isLeaving) return
  isLeaving = true
  // Not the method of HTTP servers, which closes idle connections at once.
  for (const server of servers) Server.prototype.close.call(server)
  setInterval(closeIdle, lookMs)
})

function closeIdle(): void {
  if (lastUse.size + ending.size === 0) process.exit()
  const since = performance.now() - idleMs
  const idle = [...lastUse].filter(([socket, used]) => used < since && !busy.has(socket))
  // What has arrived meanwhile is read first.
  setImmediate(() => {
    setImmediate(() => {
      for (const [socket, used] of idle) if (lastUse.get(socket) === used && !busy.has(socket)) end(socket)
    })
  })
}

/** Once what was written to it is sent. */
function end(socket: Socket): void {
  lastUse.delete(socket)
  ending.add(socket)
  socket.once('close', () => ending.delete(socket))
  socket.destroySoon()
}

console.log('The program serves')
