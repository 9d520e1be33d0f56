/** The connection under a conversation: plain or TLS, whose records can be cut, delayed and damaged on their way. */
import { once } from 'node:events'
import { type AddressInfo, connect as connectPlain, createServer, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { Target } from '../conversation.ts'
import type { Handshake, Script } from './step.ts'

export interface Wire {
  readonly socket: Socket
  /** The same, or TLS over it. */
  readonly stream: Socket | TLSSocket
}

/** How long anything that has to happen before the first step may take, in milliseconds. */
const patience = 2_000

/** Connects; the stream may be destroyed already where the server, or the script, would have it so. */
export async function open(target: Target, script: Script): Promise<Wire> {
  const socket = connectPlain({ host: target.host, port: target.port, noDelay: true, allowHalfOpen: true })
  socket.on('error', ignore)
  await settled(socket, 'connect')
  if (script.preamble !== undefined && socket.writable) socket.write(script.preamble)
  if (!target.tls || script.plain === true || socket.destroyed) return { socket, stream: socket }
  const stream = connectTls({
    socket: script.tls === undefined ? socket : await tampered(socket, script.tls),
    rejectUnauthorized: false,
    servername: 'localhost',
    ...(script.alpn.length > 0 ? { ALPNProtocols: [...script.alpn] } : {}),
    ...(script.tls?.maxVersion === undefined ? {} : { maxVersion: script.tls.maxVersion }),
  })
  stream.on('error', ignore)
  socket.once('close', () => stream.destroy())
  await settled(stream, 'secureConnect')
  return { socket, stream }
}

function settled(socket: Socket, event: string): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, patience)
    const done = () => {
      clearTimeout(timer)
      resolve()
    }
    socket.once(event, done).once('close', done)
  })
}

function ignore(): void {
  // What the server does to a hostile client is its own affair.
}

/**
 * Passes bytes on both ways; what is sent goes through the hands of an enemy. By a socket of its own: TLS over a stream asserts
 * that nothing comes while it waits for what it has written.
 */
async function tampered(socket: Socket, handshake: Handshake): Promise<Socket> {
  const relay = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(relay, 'listening')
  const { port } = relay.address() as AddressInfo
  const near = connectPlain({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true })
  const [far] = (await once(relay, 'connection')) as [Socket]
  relay.close()
  const enemy = new Enemy(socket, handshake)
  let sent = Promise.resolve()
  far.on('data', (bytes: Buffer) => {
    sent = sent.then(() => enemy.send(bytes))
  })
  far.once('end', () => void sent.then(() => enemy.leave()))
  socket.on('data', (bytes: Buffer) => far.writable && far.write(bytes)).once('end', () => far.end())
  for (const [one, other] of [
    [socket, far],
    [far, socket],
  ] as const) {
    one.on('error', ignore)
    one.once('close', () => other.destroy())
  }
  return near
}

class Enemy {
  readonly #socket: Socket
  readonly #handshake: Handshake
  #sent = 0
  #isStalled = false

  constructor(socket: Socket, handshake: Handshake) {
    this.#socket = socket
    this.#handshake = handshake
  }

  async send(bytes: Buffer): Promise<void> {
    const { segment = bytes.length } = this.#handshake
    for (let at = 0; at < bytes.length && this.#socket.writable && !this.#isStalled; at += segment) {
      await this.#pass(Buffer.from(bytes.subarray(at, at + segment)))
      if (segment < bytes.length) await turn()
    }
  }

  leave(): void {
    if (!this.#isStalled) this.#socket.end()
  }

  async #pass(piece: Buffer): Promise<void> {
    const { after, fate } = this.#handshake
    const place = after === undefined ? -1 : after - this.#sent
    this.#sent += piece.length
    const isHere = place >= 0 && place < piece.length
    if (isHere && fate === 'flip') piece.writeUInt8((piece[place] as number) ^ 0x40, place)
    if (!isHere || fate === 'flip') return void this.#socket.write(piece)
    if (place > 0) this.#socket.write(piece.subarray(0, place))
    this.#isStalled = true
    await turn()
    if (fate === 'reset') this.#socket.resetAndDestroy()
    else if (fate === 'destroy') this.#socket.destroy()
    else if (fate === 'half close') this.#socket.end()
  }
}

export function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
