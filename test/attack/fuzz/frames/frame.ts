/** Frames of HTTP/2 as bytes, right or wrong (RFC 9113, sections 4 and 6). */

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
  continuation: 9,
  altsvc: 10,
  origin: 12,
  priorityUpdate: 16,
} as const

export const flags = { endStream: 0x01, ack: 0x01, endHeaders: 0x04, padded: 0x08, priority: 0x20 } as const

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** `says` is the length in its head, where that is another than the payload's. */
export function frame(
  type: number,
  flag: number,
  stream: number,
  payload: Uint8Array = new Uint8Array(),
  says = payload.length,
): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(says & 0xffffff, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flag, 4)
  head.writeUInt32BE(stream >>> 0, 5)
  return Buffer.concat([head, payload])
}

export function u32(number: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(number >>> 0)
  return bytes
}

export function setting(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(6)
  bytes.writeUInt16BE(id)
  bytes.writeUInt32BE(value >>> 0, 2)
  return bytes
}

export const settings = (...all: readonly Buffer[]) => frame(types.settings, 0, 0, Buffer.concat(all))
export const acknowledgement = frame(types.settings, flags.ack, 0)
export const reset = (stream: number, code = 8) => frame(types.reset, 0, stream, u32(code))
export const window = (stream: number, growth: number) => frame(types.window, 0, stream, u32(growth))
export const ping = (flag = 0) => frame(types.ping, flag, 0, Buffer.from('12345678'))
export const goaway = (last = 0, code = 0, debug = '') =>
  frame(types.goaway, 0, 0, Buffer.concat([u32(last), u32(code), Buffer.from(debug)]))
export const data = (stream: number, bytes: Uint8Array, isLast: boolean) =>
  frame(types.data, isLast ? flags.endStream : 0, stream, bytes)
export const headers = (stream: number, block: Uint8Array, isLast: boolean) =>
  frame(types.headers, flags.endHeaders | (isLast ? flags.endStream : 0), stream, block)

/** How a client begins; it need not have seen the server's settings to acknowledge them. */
export const opening: readonly Buffer[] = [preface, settings(), acknowledgement]
