/**
 * The load generator, run as a process: `node client.ts PORT keep-alive|fresh CONNECTIONS SECONDS`.
 *
 * Uses raw sockets and prepared bytes, with one request at a time on each connection, to take as little of the machine
 * as possible. Prints `{ "responses", "errors", "seconds", "cpu" }` as JSON; `cpu` is the client's own processor time,
 * in seconds.
 */
import net from 'node:net'
import { workers } from './server.ts'

const [port = '', mode = '', connections = '', seconds = ''] = process.argv.slice(2)
const keepAlive = mode === 'keep-alive'
const request = requestFor('/')
let responses = 0
let errors = 0
let over = false

const spread = keepAlive ? await spreadOverWorkers() : []
const began = performance.now()
const cpuBefore = process.cpuUsage()
setTimeout(finish, Number(seconds) * 1000)
for (let n = 0; n < Number(connections); n++) load(spread[n] ?? connect())

interface Connection {
  readonly socket: net.Socket
  hear: (bytes: number, buffer: Uint8Array) => void
}

function connect(): Connection {
  const callback = (bytes: number, buffer: Uint8Array) => {
    connection.hear(bytes, buffer)
    return true
  }
  const onread = { buffer: Buffer.allocUnsafe(1024), callback }
  const socket = net.connect({ host: '127.0.0.1', port: Number(port), noDelay: true, onread })
  const connection: Connection = { socket, hear: () => undefined }
  return connection
}

/**
 * Gives every worker the same number of connections: which worker accepts one is a matter of luck, and on a machine
 * with few cores the rate depends more on that than on the server.
 */
async function spreadOverWorkers(): Promise<Connection[]> {
  const share = Math.ceil(Number(connections) / workers)
  const byWorker = new Map<string, Connection[]>()
  for (let tries = 0; tries < 100; tries++) {
    // All at once: an idle worker accepts all connections that come one after another.
    const candidates = Array.from({ length: Number(connections) }, connect)
    const pids = await Promise.all(candidates.map(askPid))
    for (const [n, candidate] of candidates.entries()) {
      const taken = byWorker.get(pids[n]!) ?? []
      byWorker.set(pids[n]!, taken)
      if (taken.length < share) taken.push(candidate)
      else candidate.socket.destroy()
    }
    const chosen = Array.from(byWorker.values()).flat()
    if (chosen.length === share * workers) return chosen.slice(0, Number(connections))
  }
  throw new Error(`Cannot get ${share} connections to each of ${workers} workers`)
}

function askPid(connection: Connection): Promise<string> {
  const { socket } = connection
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    connection.hear = (bytes, buffer) => {
      socket.off('error', reject)
      resolve(Buffer.from(buffer.subarray(0, bytes)).toString('latin1').split('\r\n\r\n')[1]!)
    }
    socket.write(requestFor('/pid'))
  })
}

function load(connection: Connection): void {
  const { socket } = connection
  let length = 0
  let received = 0
  let answered = false
  connection.hear = (bytes, buffer) => {
    received += bytes
    // The bytes in the buffer matter for the first response only; later ones have the same length.
    if (length === 0) length = lengthOf(Buffer.from(buffer.buffer, buffer.byteOffset, received))
    if (length === 0 || received < length) return
    received -= length
    answered = true
    responses += 1
    if (keepAlive) socket.write(request)
  }
  socket.write(request)
  socket.once('error', () => undefined)
  socket.once('close', () => {
    if (over) return
    if (keepAlive || !answered) errors += 1
    load(connect())
  })
}

function requestFor(path: string): Buffer {
  const connection = keepAlive ? 'keep-alive' : 'close'
  return Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: ${connection}\r\n\r\n`)
}

/** The length of a whole response; 0 until it is complete. */
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
  const { user, system } = process.cpuUsage(cpuBefore)
  const cpu = (user + system) / 1e6
  const result = { responses, errors, seconds: (performance.now() - began) / 1000, cpu }
  process.stdout.write(JSON.stringify(result), () => process.exit())
}
