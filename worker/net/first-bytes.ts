/** Reads the first bytes of a connection, to decide what it speaks. */
import type { Socket } from 'node:net'

export interface FirstBytes<T> {
  /** What these bytes mean; undefined as long as more are needed. */
  readonly parse: (bytes: Buffer) => T | undefined
  /** How long the client may take, in milliseconds; 0 is no limit. */
  readonly timeoutMs: number
  /** The result where it takes longer. */
  readonly timedOut: T
}

/**
 * Reads until the first bytes can be parsed; `done` is called once with the result and with all bytes read so far, for
 * the caller to put back. It is not called for a client that leaves before.
 */
export function readFirstBytes<T>(
  socket: Socket,
  { parse, timeoutMs, timedOut }: FirstBytes<T>,
  done: (result: T, bytes: Buffer) => void,
): void {
  let bytes: Buffer = Buffer.alloc(0)
  const finish = (result: T) => {
    stop()
    socket.off('readable', read).off('end', leave).off('error', leave).off('close', stop)
    done(result, bytes)
  }
  const read = () => {
    const chunk = socket.read() as Buffer | null
    if (chunk === null) return
    bytes = Buffer.concat([bytes, chunk])
    const result = parse(bytes)
    if (result !== undefined) finish(result)
  }
  const leave = () => socket.destroy()
  const stop = () => clearTimeout(timer)
  const timer = timeoutMs > 0 ? setTimeout(finish, timeoutMs, timedOut) : undefined
  socket.on('readable', read).on('end', leave).on('error', leave).on('close', stop)
}
