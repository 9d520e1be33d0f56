/**
 * The worker's end of the channel to its arbiter. It is a socket of its own, so that `process.send` and its messages are
 * the app's.
 *
 * The app could still close or write to the descriptor: a worker whose channel is not its own any more has no arbiter.
 */
import { fstatSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { channelFd, frame } from '../protocol/frame.ts'
import type { FromWorker, ToWorker } from '../protocol/messages.ts'

/** Characters of log lines that may wait for an arbiter that does not read; what is beyond is dropped, and counted. */
const maxWaiting = 1024 * 1024

/** How long a process that ends may wait for an arbiter that does not read, and how long between two tries. */
const lastMessageMs = 1_000
const retryMs = 5

export interface ChannelListeners {
  onMessage(message: ToWorker): void
  /** The arbiter is gone, or cannot be heard any more. */
  onLost(): void
}

let socket: Socket | undefined
let identity: string | undefined
let dropped = 0

/** To be called once, before any code of the user is imported. */
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
  // It is followed by `close`.
  socket.on('error', () => undefined)
  socket.once('close', onLost)
}

/** Undefined where somebody else in this process has read a part of it. */
function parse(line: string): ToWorker | undefined {
  try {
    return JSON.parse(line)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** False when there is no arbiter any more; `sent` is called in any case. */
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

/** For a process that ends without another turn of its event loop; it waits a little where the arbiter does not read. */
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

/** Whether the channel alone keeps the process alive. */
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

/** What is behind a descriptor: the app may close any, and the kernel gives its number to what is opened next. */
function identityOf(fd: number): string | undefined {
  try {
    // `bigint` for the reason that `log-file.ts` gives.
    const { dev, ino } = fstatSync(fd, { bigint: true })
    return `${dev}:${ino}`
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBADF') return undefined
    throw error
  }
}
