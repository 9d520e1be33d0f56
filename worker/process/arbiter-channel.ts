/**
 * The worker's end of the channel to its arbiter: a separate socket, so that `process.send` belongs to the app.
 *
 * The app could still close the descriptor, or reuse its number: then the worker has no arbiter any more.
 */
import { fstatSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { channelFd, frame } from '../protocol/frame.ts'
import type { FromWorker, ToWorker } from '../protocol/messages.ts'

/** How many characters of log lines may wait for the arbiter to read; lines beyond that are dropped, and counted. */
const maxWaiting = 1024 * 1024

/** How long an ending process waits for the arbiter to read, and how long between two attempts, in milliseconds. */
const lastMessageMs = 1_000
const retryMs = 5

export interface ChannelListeners {
  onMessage(message: ToWorker): void
  /** The arbiter is gone, or the channel is broken. */
  onLost(): void
}

let socket: Socket | undefined
let identity: string | undefined
let dropped = 0

/** Call once, before any user code is imported. */
export function openChannel({ onMessage, onLost }: ChannelListeners): void {
  identity = identityOf(channelFd)
  socket = new Socket({ fd: channelFd })
  let rest = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() as string
    for (const line of lines) {
      const message = line === '' ? undefined : parse(line)
      if (message !== undefined) onMessage(message)
    }
  })
  socket.on('drain', tellDropped)
  // `close` follows.
  socket.on('error', () => undefined)
  socket.once('close', onLost)
}

/** Undefined when something else in this process has read a part of the line. */
function parse(line: string): ToWorker | undefined {
  try {
    return JSON.parse(line)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Returns false when there is no arbiter any more; `sent` is called in any case. */
export function tellArbiter(message: FromWorker, sent: () => void = () => undefined): boolean {
  if (!isOpen(socket)) {
    sent()
    return false
  }
  const text = frame(message)
  if (message.type === 'log' && socket.writableLength + text.length > maxWaiting) {
    dropped += 1
    sent()
  } else socket.write(text, sent)
  return true
}

/** Sends synchronously, for a process that ends without another turn of its event loop. */
export function tellSync(message: FromWorker): void {
  if (!isOpen(socket)) return
  let rest = Buffer.from(frame(message))
  const until = performance.now() + lastMessageMs
  while (rest.length > 0 && performance.now() < until) {
    try {
      rest = rest.subarray(writeSync(channelFd, rest))
    } catch (error) {
      // The arbiter is gone.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs)
    }
  }
}

/** Sets whether the channel alone keeps the process alive. */
export function holdProcess(holds: boolean): void {
  if (holds) socket?.ref()
  else socket?.unref()
}

function tellDropped(): void {
  if (dropped === 0) return
  const message = `${dropped} lines of the log were dropped while the arbiter did not read`
  dropped = 0
  tellArbiter({ type: 'log', level: 'warning', message })
}

function isOpen(channel: Socket | undefined): channel is Socket {
  return channel?.writable === true && identityOf(channelFd) === identity
}

/** Identifies the open file behind a descriptor: the app may close any, and the kernel reuses their numbers. */
function identityOf(fd: number): string | undefined {
  try {
    // `bigint` for the reason given in `log-stream.ts`.
    const { dev, ino } = fstatSync(fd, { bigint: true })
    return `${dev}:${ino}`
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBADF') return undefined
    throw error
  }
}
