/** The connection under a conversation: plain or TLS, whose records can be cut, delayed and damaged on their way. */
import { connect as connectPlain, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
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
    socket: script.tls === undefined ? socket : tampered(socket, script.tls),
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

/** Passes bytes on both ways; what is sent goes through the hands of an enemy. */
function tampered(socket: Socket, { segment = Number.POSITIVE_INFINITY, after, fate }: Handshake): Duplex {
  let sent = 0
  let isStalled = false
  const send = async (bytes: Buffer) => {
    for (let at = 0; at < bytes.length && socket.writable && !isStalled; at += segment) {
      const piece = Buffer.from(bytes.subarray(at, at + segment))
      const place = after === undefined ? -1 : after - sent
      sent += piece.length
      if (place < 0 || place >= piece.length) socket.write(piece)
      else if (fate === 'flip') {
        piece.writeUInt8((piece[place] as number) ^ 0x40, place)
        socket.write(piece)
      } else {
        if (place > 0) socket.write(piece.subarray(0, place))
        await turn()
        isStalled = true
        if (fate === 'reset') socket.resetAndDestroy()
        else if (fate === 'destroy') socket.destroy()
        else if (fate === 'half close') socket.end()
      }
      if (segment < bytes.length) await turn()
    }
  }
  const between = new Duplex({
    write: (bytes: Buffer, _encoding, done) => void send(bytes).then(() => done()),
    read: () => socket.resume(),
    final(done) {
      if (!isStalled) socket.end()
      done()
    },
    destroy(error, done) {
      socket.destroy()
      done(error)
    },
  })
  socket.on('data', bytes => between.push(bytes) || socket.pause())
  socket.once('end', () => between.push(null))
  socket.once('close', () => between.destroy())
  between.on('error', ignore)
  return between
}

export function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
