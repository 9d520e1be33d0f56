/**
 * The worker's end of the channel to its arbiter: a separate socket, so that `process.send` belongs to the app.
 *
 * The app could still close the descriptor, or reuse its number: then the worker has no arbiter any more.
 *
 * In a thread of a worker, the channel is a port to the main thread, which passes messages on.
 */
import { fstatSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import threads, { isMainThread, type MessagePort, workerData } from 'node:worker_threads'
import { channelFd, frame, threadKey } from '../protocol/frame.ts'
import type { Barrier, FromThread, FromWorker, ToThread, ToWorker } from '../protocol/messages.ts'

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
let port: MessagePort | undefined
let barrier = Promise.withResolvers<void>()
let identity: string | undefined
let dropped = 0

/** Call once, before any user code is imported. */
export function openChannel({ onMessage, onLost }: ChannelListeners): void {
  if (!isMainThread) return openPort({ onMessage, onLost })
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

function openPort({ onMessage, onLost }: ChannelListeners): void {
  const own: MessagePort = workerData[threadKey]
  port = own
  // It is not for the app.
  Reflect.set(threads, 'workerData', null)
  own.on('message', (message: ToThread) => {
    if (message.type === 'signal') process.emit(message.signal, message.signal)
    else if (message.type === 'go on') barrier.resolve()
    else if (message.type === 'lost') onLost()
    else onMessage(message)
  })
}

/** Resolves when all threads of the worker have come so far; at once where there are none. */
export async function passBarrier(reason: Barrier): Promise<void> {
  if (port === undefined) return
  barrier = Promise.withResolvers()
  port.postMessage({ type: 'waits', for: reason } satisfies FromThread)
  await barrier.promise
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
  if (port !== undefined) {
    port.postMessage(message)
    sent()
    return true
  }
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
  port?.postMessage(message)
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
  const channel = port ?? socket
  if (holds) channel?.ref()
  else channel?.unref()
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
