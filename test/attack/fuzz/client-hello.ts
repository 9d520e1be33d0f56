/** The first message of a TLS client as bytes, for those that are to be cut, damaged or followed by something else. */
import { integer, type Random } from '../random.ts'

/** RFC 8446, section 4.1.2: a client that any server goes on with. */
export function clientHello(random: Random, protocols: readonly string[] = ['h2', 'http/1.1']): Buffer {
  const noise = (length: number) => Buffer.from(Array.from({ length }, () => integer(random, 0, 255)))
  const body = Buffer.concat([
    Buffer.of(3, 3),
    noise(32),
    sized(1, noise(32)),
    sized(2, Buffer.of(0x13, 0x01, 0x13, 0x02, 0xc0, 0x2b, 0xc0, 0x2f)),
    sized(1, Buffer.of(0)),
    sized(2, Buffer.concat(extensions(noise(32), protocols))),
  ])
  return record(22, Buffer.concat([Buffer.of(1), sized(3, body)]))
}

/** Type 20 changes ciphers, 21 is an alert, 22 a handshake, 23 data. */
export function record(type: number, payload: Buffer, says = payload.length): Buffer {
  return Buffer.concat([Buffer.of(type, 3, 1, says >> 8, says & 0xff), payload])
}

export const alert = (level: number, what: number) => record(21, Buffer.of(level, what))
export const closeNotify = alert(1, 0)

function extensions(key: Buffer, protocols: readonly string[]): Buffer[] {
  const names = Buffer.concat(protocols.map(name => sized(1, Buffer.from(name))))
  return [
    extension(0, sized(2, Buffer.concat([Buffer.of(0), sized(2, Buffer.from('localhost'))]))),
    extension(10, sized(2, Buffer.of(0, 0x1d, 0, 0x17))),
    extension(11, sized(1, Buffer.of(0))),
    extension(13, sized(2, Buffer.of(4, 3, 8, 4, 4, 1, 8, 7))),
    extension(43, sized(1, Buffer.of(3, 4, 3, 3))),
    extension(51, sized(2, Buffer.concat([Buffer.of(0, 0x1d), sized(2, key)]))),
    ...(protocols.length > 0 ? [extension(16, sized(2, names))] : []),
  ]
}

function extension(id: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.of(id >> 8, id & 0xff), sized(2, bytes)])
}

/** With its length before it, in so many bytes. */
function sized(width: number, bytes: Buffer): Buffer {
  const length = Buffer.alloc(width)
  length.writeUIntBE(bytes.length, 0, width)
  return Buffer.concat([length, bytes])
}
