/** Frames of HTTP/2, byte by byte: what no client library would send. */
import type { Socket } from 'node:net'

/** RFC 9113, sections 6 and 7. */
export const types = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  more: 9,
}
export const errors = [
  'none',
  'protocol',
  'internal',
  'flow control',
  'settings timeout',
  'stream closed',
  'frame size',
].concat(['refused stream', 'cancel', 'compression', 'connect', 'calm', 'security', 'http/1.1'])

export const endStream = 0x01
export const endHeaders = 0x04
export const acknowledged = 0x01
export const whole = endStream | endHeaders

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = new Uint8Array(),
): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** RFC 7541: entries of the static table by their number, and literals that are not indexed. */
export const indexed = { get: 0x82, post: 0x83, root: 0x84, http: 0x86 }
export const literal = (name: string, value: string) =>
  Buffer.concat([Buffer.of(0, name.length), Buffer.from(name), Buffer.of(value.length), Buffer.from(value)])
export const authority = literal(':authority', 'test')
export const bare = Buffer.of(indexed.get, indexed.http, indexed.root)
export const get = Buffer.concat([bare, authority])
export const post = Buffer.concat([Buffer.of(indexed.post, indexed.http, indexed.root), authority])
export const with_ = (...fields: Buffer[]) => Buffer.concat([get, ...fields])
export const setting = (id: number, value: number) => {
  const bytes = Buffer.alloc(6)
  bytes.writeUInt16BE(id)
  bytes.writeUInt32BE(value, 2)
  return bytes
}
export const u32 = (number: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(number)
  return bytes
}

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export interface Frame {
  readonly type: number | undefined
  readonly flags: number | undefined
  readonly stream: number
  readonly payload: Buffer
}

/** What the server sends, to the end of the connection. */
export async function* framesOf(socket: Socket): AsyncGenerator<Frame, void> {
  let read = Buffer.alloc(0)
  for await (const chunk of socket) {
    read = Buffer.concat([read, chunk as Buffer])
    while (read.length >= 9 && read.length >= 9 + read.readUIntBE(0, 3)) {
      const end = 9 + read.readUIntBE(0, 3)
      yield { type: read[3], flags: read[4], stream: read.readUInt32BE(5), payload: read.subarray(9, end) }
      read = read.subarray(end)
    }
  }
}
