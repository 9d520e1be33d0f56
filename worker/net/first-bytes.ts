import type { Socket } from 'node:net'

export interface Reading<T> {
  /** What these first bytes of a connection mean; undefined as long as more have to come. */
  readonly understand: (bytes: Buffer) => T | undefined
  /** Milliseconds until `late` is what they mean; 0 is no limit. */
  readonly limit: number
  readonly late: T
}

/**
 * Reads the first bytes of a connection until they are understood; `done` is called once with what they mean, and with the
 * bytes, which nobody else has seen. Not called for a client that leaves before.
 */
export function readFirst<T>(
  socket: Socket,
  { understand, limit, late }: Reading<T>,
  done: (meaning: T, bytes: Buffer) => void,
): void {
  let bytes: Buffer = Buffer.alloc(0)
  const finish = (meaning: T) => {
    stop()
    socket.off('readable', read).off('end', leave).off('error', leave).off('close', stop)
    done(meaning, bytes)
  }
  const read = () => {
    const chunk = socket.read() as Buffer | null
    if (chunk === null) return
    bytes = Buffer.concat([bytes, chunk])
    const meaning = understand(bytes)
    if (meaning !== undefined) finish(meaning)
  }
  const leave = () => socket.destroy()
  const stop = () => clearTimeout(timer)
  const timer = limit > 0 ? setTimeout(finish, limit, late) : undefined
  socket.on('readable', read).on('end', leave).on('error', leave).on('close', stop)
}
