/**
 * The load, in a process of its own: `node client.ts PORT keep-alive|fresh CONNECTIONS SECONDS`.
 *
 * Raw sockets and bytes made beforehand, one request at a time on each connection, so that the client takes as little
 * of the machine as it can. Prints `{ "responses", "errors", "seconds", "cpu" }` as JSON; `cpu` is what the client
 * itself took, in seconds.
 */
import net from 'node:net'

const [port = '', mode = '', connections = '', seconds = ''] = process.argv.slice(2)
const keepAlive = mode === 'keep-alive'
const request = Buffer.from(
  `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: ${keepAlive ? 'keep-alive' : 'close'}\r\n\r\n`,
)
let responses = 0
let errors = 0
let over = false

const began = performance.now()
setTimeout(finish, Number(seconds) * 1000)
for (let n = 0; n < Number(connections); n++) connect()

function connect(): void {
  let length = 0
  let received = 0
  let answered = false
  const socket = net.connect({
    host: '127.0.0.1',
    port: Number(port),
    noDelay: true,
    onread: {
      // What is in the buffer matters for the first response only; later ones have the same length.
      buffer: Buffer.allocUnsafe(1024),
      callback(bytes, buffer) {
        received += bytes
        if (length === 0) length = lengthOf(Buffer.from(buffer.buffer, buffer.byteOffset, received))
        if (length === 0 || received < length) return true
        received -= length
        answered = true
        responses += 1
        if (keepAlive) socket.write(request)
        return true
      },
    },
  })
  socket.write(request)
  socket.once('error', () => undefined)
  socket.once('close', () => {
    if (over) return
    if (keepAlive || !answered) errors += 1
    connect()
  })
}

/** Length of a whole response, 0 while it is not whole. */
function lengthOf(received: Buffer): number {
  const text = received.toString('latin1')
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd === -1) return 0
  const body = Number(/content-length: (\d+)/i.exec(text)?.[1])
  if (!text.startsWith('HTTP/1.1 200 ') || Number.isNaN(body)) throw new Error(`Unexpected response: ${text}`)
  const length = headEnd + 4 + body
  return received.length < length ? 0 : length
}

function finish(): void {
  over = true
  const { user, system } = process.cpuUsage()
  const cpu = (user + system) / 1e6
  const result = { responses, errors, seconds: (performance.now() - began) / 1000, cpu }
  process.stdout.write(JSON.stringify(result), () => process.exit())
}
