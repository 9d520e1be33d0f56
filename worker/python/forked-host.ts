/** A Python host that the fork server of its generation forks: with `preload_app`. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { sized } from './frame.ts'
import { type HostLink, lastWordsMs } from './host-link.ts'
import { openStore } from './store.ts'

/** How many connections there are before the channels; as in `host.py`. */
const fixed = 6

/** How long the fork server may take, in milliseconds. */
const forkMs = 10_000

/** How long it may take to say how a host has ended whose connections are closed, in milliseconds. */
const statusMs = 500

/** What the fork server says about a host, a line each. */
interface Said {
  readonly pid?: number
  readonly code?: number
  readonly signal?: string
  /** Why there is none. */
  readonly failure?: string
}

/**
 * The host becomes like one that this process would have started: it gets its folder, environment and umask, and prints
 * where this process prints. Rejects if the fork server is not there, or does not answer.
 */
export async function forkHost(path: string, threads: number, cwd: string): Promise<HostLink> {
  const life = await dial(path)
  const sockets = [life]
  const store = openStore()
  const hide = () => store?.hide()
  // The host takes the name away, unless this process leaves before there is a host.
  process.once('exit', hide)
  const release = () => {
    process.off('exit', hide)
    hide()
    if (store !== undefined) closeSync(store.fd)
    for (const socket of sockets) socket.destroy()
  }
  try {
    const token = randomBytes(16)
    const given = { env: process.env, cwd, umask: currentUmask(), store: store?.path ?? null }
    const count = fixed + threads
    const { forked, exited } = hear(life)
    life.write(Buffer.concat([hello(token, 0, count), sized(Buffer.from(JSON.stringify(given)))]))
    while (sockets.length < count) {
      const socket = await dial(path)
      socket.write(hello(token, sockets.length, count))
      sockets.push(socket)
    }
    const [, control, queue, stacks, output, errors, ...channels] = sockets as unknown as FixedSockets
    const { pid, failure } = await Promise.race([
      forked,
      after<Said>(forkMs, { failure: 'it does not answer' }),
    ])
    if (pid === undefined) throw new Error(failure)
    output.pipe(process.stdout, { end: false })
    errors.pipe(process.stderr, { end: false })
    let hasEnded = false
    const ended = howItEnded([control, stacks, output, errors, ...channels], exited).then(how => {
      if (how === undefined) signal(pid, 'SIGKILL')
      hasEnded = true
      release()
      return how ?? 'ended, and so has the fork server that would know how'
    })
    return {
      ...{ pid, control, queue, stacks, channels, ended, store: store?.fd },
      signal: name => !hasEnded && signal(pid, name),
    }
  } catch (error) {
    release()
    throw error
  }
}

type FixedSockets = [Socket, Socket, Socket, Socket, Socket, Socket, ...Socket[]]

/** Its sockets close even if the fork server has ended before it; then nobody knows how it ended. */
async function howItEnded(sockets: readonly Socket[], exited: Promise<Said>): Promise<string | undefined> {
  const [control] = sockets as [Socket]
  await Promise.race([closed(control), exited])
  const { code, signal } = await Promise.race([exited, after<Said>(statusMs, {})])
  for (const socket of sockets) socket.resume()
  // A process that it has started may hold the connections.
  await Promise.race([Promise.all(sockets.map(closed)), sleep(lastWordsMs)])
  if (signal !== undefined) return `was killed by ${signal}`
  return code === undefined ? undefined : `ended with code ${code}`
}

/** What is said first, and after it; the second never comes if the fork server ends. */
function hear(life: Socket): { readonly forked: Promise<Said>; readonly exited: Promise<Said> } {
  let said = ''
  const lines = () => said.split('\n').slice(0, -1)
  const line = (n: number) =>
    new Promise<Said>(resolve => {
      const look = () => {
        const text = lines()[n]
        if (text !== undefined) resolve(JSON.parse(text) as Said)
      }
      life.on('data', look)
      if (n === 0) life.once('close', () => resolve({ failure: 'it has ended' }))
    })
  life.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  return { forked: line(0), exited: line(1) }
}

async function dial(path: string): Promise<Socket> {
  const socket = connect(path)
  await once(socket, 'connect')
  socket.on('error', () => undefined)
  return socket
}

function hello(token: Buffer, place: number, count: number): Buffer {
  const numbers = Buffer.alloc(4)
  numbers.writeUInt16LE(place, 0)
  numbers.writeUInt16LE(count, 2)
  return Buffer.concat([token, numbers])
}

function closed(socket: Socket): Promise<void> {
  return new Promise(resolve => {
    if (socket.closed) resolve()
    else socket.once('close', () => resolve())
  })
}

function after<T>(ms: number, value: T): Promise<T> {
  return sleep(ms, value, { ref: false })
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    // It has just ended.
    return false
  }
}

/** There is no way to read it but to set it. */
function currentUmask(): number {
  const mask = process.umask(0o077)
  process.umask(mask)
  return mask
}
