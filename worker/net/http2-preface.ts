/** Tells the protocols apart that plain connections may begin with. */
import type { Socket } from 'node:net'
import { readFirst } from './first-bytes.ts'

/** RFC 9113 section 3.4. */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** A client that says nothing for so long, in milliseconds, is left to HTTP/1.1 and its time limits. */
const patience = 10_000

/** Calls `decided` once; what was read by then is put back. */
export function sniff(socket: Socket, decided: (isHttp2: boolean) => void): void {
  readFirst(socket, { understand: isPreface, limit: patience, late: false }, (isHttp2, bytes) => {
    if (bytes.length > 0) socket.unshift(bytes)
    decided(isHttp2)
  })
}

function isPreface(bytes: Buffer): boolean | undefined {
  const length = Math.min(bytes.length, preface.length)
  const fits = preface.compare(bytes, 0, length, 0, length) === 0
  return !fits || length === preface.length ? fits : undefined
}
