/** Tells the protocols apart that plain connections may begin with. */
import type { Socket } from 'node:net'

/** RFC 9113 section 3.4. */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** A client that says nothing for so long, in milliseconds, is left to HTTP/1.1 and its time limits. */
const patience = 10_000

/** Calls `decided` once; what was read by then is put back. */
export function sniff(socket: Socket, decided: (isHttp2: boolean) => void): void {
  let read: Buffer = Buffer.alloc(0)
  const decide = (isHttp2: boolean) => {
    clearTimeout(timer)
    socket.off('readable', look).off('end', leave).off('error', leave).off('close', stop)
    if (read.length > 0) socket.unshift(read)
    decided(isHttp2)
  }
  const look = () => {
    const bytes: Buffer | null = socket.read()
    if (bytes === null) return
    read = Buffer.concat([read, bytes])
    const length = Math.min(read.length, preface.length)
    const fits = preface.compare(read, 0, length, 0, length) === 0
    if (!fits || length === preface.length) decide(fits)
  }
  const leave = () => socket.destroy()
  const stop = () => clearTimeout(timer)
  const timer = setTimeout(decide, patience, false)
  socket.on('readable', look).on('end', leave).on('error', leave).on('close', stop)
}
