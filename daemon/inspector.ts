/**
 * Looks into a process whose event loop stands still.
 *
 * SIGUSR1 makes a thread of Node's own open the inspector, on the loopback address, whatever the JavaScript does. Paused
 * there, the process tells its stack, mapped to the sources by Node itself, and its requests. Nothing of this costs
 * anything until it happens.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { OpenRequest } from '../hooks/table.ts'
import { requestsKey } from '../worker/protocol.ts'

/** What a worker that stands still has to say. */
export interface Confession {
  /** The JavaScript stack, innermost first, as lines that begin with `at`. */
  readonly stack: readonly string[]
  readonly requests: readonly OpenRequest[]
}

/** How long native code may hold a process before it is said to be stuck there, in milliseconds. */
const pauseLimitMs = 2_000

/** JavaScript that turns answers; the thread that opens the inspector needs it to. */
const inNativeCode = 'it is stuck in native code, or stopped'

/** How long the inspector may take to open, and to answer, and how often to look for it, in milliseconds. */
const openLimitMs = 3_000
const pollMs = 20

/** What a process has to be started with so that it can be looked into. */
export const inspectable = ['--inspect-port=127.0.0.1:0', '--inspect-publish-uid=http'] as const

/** Rejects with the reason when the process cannot be looked into. */
export async function inspect(pid: number): Promise<Confession> {
  const before = new Set(socketsOf(pid))
  process.kill(pid, 'SIGUSR1')
  const port = await inspectorPort(pid, before)
  const list = await fetch(`http://127.0.0.1:${port}/json/list`, { signal: AbortSignal.timeout(openLimitMs) })
  const [target] = (await list.json()) as [{ readonly webSocketDebuggerUrl: string }]
  const session = await within(
    openLimitMs,
    openSession(target.webSocketDebuggerUrl),
    'its inspector did not answer',
  )
  try {
    void session.call('Debugger.enable')
    void session.call('Debugger.pause')
    const callFrameId = await within(pauseLimitMs, session.paused, inNativeCode)
    const asked = session.call('Debugger.evaluateOnCallFrame', { callFrameId, expression: question })
    const { result } = await within(pauseLimitMs, asked, 'it did not answer')
    const { stack, requests } = JSON.parse(result.value)
    return { stack: framesOf(stack), requests: requests ?? [] }
  } finally {
    session.close()
  }
}

/** Node maps the stack of an error to the sources; one that is made where the process was paused is the stack wanted. */
const question = `(() => {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 50
  const { stack } = new Error()
  Error.stackTraceLimit = limit
  return JSON.stringify({ stack, requests: globalThis[Symbol.for('${requestsKey}')]?.() })
})()`

/** The frames of the user's code: without those of the question, and without what Node calls it from. */
function framesOf(stack: string): string[] {
  const frames = stack.split('\n').map(line => line.trim())
  return frames.filter(
    frame => frame.startsWith('at ') && !frame.includes('<anonymous>:') && !/\(node:/.test(frame),
  )
}

/** The inspector takes whatever port is free; the kernel knows where the process listens that did not before. */
async function inspectorPort(pid: number, before: ReadonlySet<string>): Promise<number> {
  const until = performance.now() + openLimitMs
  while (performance.now() < until) {
    // The table of the kernel has a line for each connection of the machine: it is read when there is something new.
    const added = socketsOf(pid).filter(socket => !before.has(socket))
    const port = added.length === 0 ? undefined : listeningPort(pid, new Set(added))
    if (port !== undefined) return port
    await sleep(pollMs)
  }
  throw new Error(inNativeCode)
}

/** The sockets of a process, as the kernel numbers them. */
function socketsOf(pid: number): string[] {
  const links = readdirSync(`/proc/${pid}/fd`).map(fd => linkOf(`/proc/${pid}/fd/${fd}`))
  return links.flatMap(link => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? [])
}

/** The port of 127.0.0.1 on which one of these sockets listens. */
function listeningPort(pid: number, sockets: ReadonlySet<string>): number | undefined {
  for (const line of readFileSync(`/proc/${pid}/net/tcp`, 'utf8').split('\n').slice(1)) {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/)
    const [address, port = ''] = local.split(':')
    if (state === '0A' && address === '0100007F' && sockets.has(inode)) return Number.parseInt(port, 16)
  }
  return undefined
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch (error) {
    // Closed in the meantime.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: { readonly callFrames: readonly { readonly callFrameId: string }[] }
  readonly result?: { readonly result: { readonly value: string } }
}

interface Session {
  /** The innermost frame, once the process is paused. */
  readonly paused: Promise<string>
  call(method: string, params?: object): Promise<NonNullable<Message['result']>>
  close(): void
}

async function openSession(url: string): Promise<Session> {
  const socket = new WebSocket(url)
  const { promise: paused, resolve: pausedAt } = Promise.withResolvers<string>()
  const waiting: ((result: NonNullable<Message['result']>) => void)[] = []
  socket.onmessage = ({ data }) => {
    const { id, method, params, result } = JSON.parse(String(data)) as Message
    if (id !== undefined && result !== undefined) waiting[id]?.(result)
    if (method === 'Debugger.paused' && params?.callFrames[0]) pausedAt(params.callFrames[0].callFrameId)
  }
  await new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve()
    socket.onerror = () => reject(new Error('its inspector did not answer'))
  })
  return {
    paused,
    call: (method, params = {}) =>
      new Promise(resolve => {
        const id = waiting.push(resolve) - 1
        socket.send(JSON.stringify({ id, method, params }))
      }),
    close: () => socket.close(),
  }
}

/** Rejects with the reason when the promise is not settled in time. */
async function within<T>(milliseconds: number, promise: Promise<T>, reason: string): Promise<T> {
  const controller = new AbortController()
  const late = sleep(milliseconds, undefined, { signal: controller.signal }).then(() => {
    throw new Error(reason)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    controller.abort()
    late.catch(() => undefined)
  }
}
