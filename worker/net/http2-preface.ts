/** Detects HTTP/2 on plain connections, by the preface that its clients send first. */
import type { Socket } from 'node:net'
import { readFirstBytes } from './first-bytes.ts'

/** RFC 9113 section 3.4. */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/**
 * A client that sends nothing for this long, in milliseconds, is taken for HTTP/1.1, which has time limits of its own.
 */
const timeoutMs = 10_000

/** Calls `decided` once, after what was read has been put back. */
export function detectHttp2(socket: Socket, decided: (isHttp2: boolean) => void): void {
  readFirstBytes(socket, { parse: isPreface, timeoutMs, timedOut: false }, (isHttp2, bytes) => {
    if (bytes.length > 0) socket.unshift(bytes)
    decided(isHttp2)
  })
}

function isPreface(bytes: Buffer): boolean | undefined {
  const length = Math.min(bytes.length, preface.length)
  const fits = preface.compare(bytes, 0, length, 0, length) === 0
  return !fits || length === preface.length ? fits : undefined
}
