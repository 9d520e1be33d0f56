/** What an app can do wrong or on purpose in a worker, by name. Nothing happens before one of them is called. */
import { spawn } from 'node:child_process'
import { closeSync, writeSync } from 'node:fs'
import { createServer } from 'node:net'
import { integer, pick, type Random } from '../random.ts'
import { globalMisdeeds } from './replacements.ts'

export type Misdeed = (random: Random) => void

type Kind = 'messages' | 'process' | 'floods and globals'

const types = [
  'booting',
  'ready',
  'failed',
  'leaving',
  'recycle',
  'crashed',
  'log',
  'drain',
  'start',
  'constructor',
]

const values: readonly unknown[] = [
  ...[undefined, null, true, 0, -1, 1e308, '', 'x', [], {}, { toString: 1 }],
  ...['x'.repeat(2 ** 20), { level: {} }, ['log'], '\u001b[31m\r\n'],
]

/** Descriptors of a worker that are not its standard ones: the channel, the scoreboard, listeners, those of Node. */
const [firstDescriptor, lastDescriptor] = [3, 20]

/** In Perl, because Node cannot: a flag of the open file, which all processes have that have inherited it. */
const append = 'use Fcntl; open(my $file, "+<&=", 3) and fcntl($file, F_SETFL, O_RDWR | O_APPEND)'

/** The standard output and the channel are pipes, which may be full for a while. */
function write(descriptor: number, bytes: Uint8Array | string): void {
  try {
    writeSync(descriptor, bytes as string)
  } catch {
    // Full, closed, or nothing that can be written to: it was an attempt.
  }
}

function close(descriptor: number): void {
  try {
    closeSync(descriptor)
  } catch {
    // There is none.
  }
}

function garbage(random: Random): Uint8Array {
  return Buffer.from(Array.from({ length: integer(random, 1, 400) }, () => integer(random, 0, 255)))
}

function send(message: unknown): void {
  process.send?.(message as object, undefined, {}, () => undefined)
}

function signalArbiter(...names: readonly NodeJS.Signals[]): void {
  for (const name of names) process.kill(process.ppid, name)
}

const messages: Readonly<Record<string, Misdeed>> = {
  'message of any shape': random => send(pick(random, values)),
  'forged message': random => {
    const message: Record<string, unknown> = { type: pick(random, types) }
    for (const key of ['why', 'message', 'level', 'seconds']) {
      if (random() < 0.6) message[key] = pick(random, values)
    }
    send(message)
  },
  'forged line': () => send({ type: 'log', level: 'critical', message: 'forged' }),
  'huge message': () => send({ type: 'log', level: 'info', message: 'x'.repeat(8 * 2 ** 20) }),
  'deep message': () => {
    let deep: unknown = 1
    for (let depth = 0; depth < 3_000; depth += 1) deep = [deep]
    send(deep)
  },
  'flood of messages': random => {
    const type = pick(random, ['log', 'recycle', 'other'])
    for (let sent = 0; sent < 5_000; sent += 1) send({ type, level: 'debug', message: 'flood', why: 'flood' })
  },
  'message in the words of Node': random =>
    send({
      cmd: pick(random, ['NODE_HANDLE', 'NODE_HANDLE_ACK', 'NODE_CLUSTER', 'NODE_']),
      type: 'net.Server',
    }),
  'message with a handle': () => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      process.send?.({ type: 'log' }, server, {}, () => server.close())
    })
  },
  'garbage on the channel': random => write(process.channel === undefined ? 3 : channelOf(), garbage(random)),
  'broken line on the channel': random =>
    write(channelOf(), pick(random, ['{\n', 'null\n', '{"type":\n', '\n\n'])),
  'endless line on the channel': () => {
    const piece = Buffer.alloc(65_536, 'x')
    for (let sent = 0; sent < 256; sent += 1) write(channelOf(), piece)
  },
}

function channelOf(): number {
  return (process.channel as unknown as { fd?: number } | undefined)?.fd ?? firstDescriptor
}

const deeds: Readonly<Record<string, Misdeed>> = {
  'garbage on descriptors': random => {
    for (let fd = firstDescriptor; fd <= lastDescriptor; fd += 1) write(fd, garbage(random))
  },
  'a descriptor closed': random => close(integer(random, firstDescriptor, lastDescriptor)),
  'descriptors closed': () => {
    for (let fd = firstDescriptor; fd <= lastDescriptor; fd += 1) close(fd)
  },
  'standard output closed': () => close(1),
  'process.disconnect()': () => process.disconnect?.(),
  'process.exit()': random => process.exit(pick(random, [0, 1, 3, 4, 70, 255])),
  'process.abort()': () => process.abort(),
  'uncaught throw': () => {
    throw new Error('thrown by the app')
  },
  'uncaught throw of nothing': () => {
    throw undefined
  },
  'unhandled rejection': () => void Promise.reject(new Error('rejected by the app')),
  'signal to itself': random =>
    process.kill(process.pid, pick(random, ['SIGTERM', 'SIGKILL', 'SIGINT', 'SIGABRT', 'SIGSEGV'])),
  'no signal listeners': () => {
    for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']) process.removeAllListeners(name)
  },
  'no listeners at all': () => process.removeAllListeners(),
  'signal to the arbiter': random =>
    signalArbiter(...pick(random, [['SIGHUP'], ['SIGTTIN', 'SIGTTOU'], ['SIGUSR1'], ['SIGCONT']] as const)),
  'flood of signals': () => {
    for (let sent = 0; sent < 100; sent += 1) signalArbiter('SIGHUP', 'SIGUSR1')
  },
  'every write to the end of its file': () => {
    for (let fd = firstDescriptor; fd <= lastDescriptor; fd += 1) {
      spawn('perl', ['-e', append], { stdio: ['ignore', 'ignore', 'ignore', fd] }).on(
        'error',
        () => undefined,
      )
    }
  },
  'children that stay': () => {
    // With what this process has, and in its own ways.
    spawn('sleep', ['4'], { stdio: 'inherit' })
    spawn('sleep', ['4'], { stdio: ['ignore', 'inherit', 'inherit', 3, 4] }).on('error', () => undefined)
  },
  'title, folder, umask, environment': () => {
    process.title = ''
    process.chdir('/')
    process.umask(0o777)
    for (const name of Object.keys(process.env)) delete process.env[name]
  },
}

const floods: Readonly<Record<string, Misdeed>> = {
  'flood of output': () => {
    const lines = 'flood of output\n'.repeat(4_096)
    for (let sent = 0; sent < 32; sent += 1) {
      process.stdout.write(lines)
      process.stderr.write(lines)
    }
  },
  'output without end of line': () => process.stderr.write(`${'x'.repeat(2 ** 20)}\0\r\u001b[2J`),
  'blocked loop': random => {
    const until = performance.now() + integer(random, 200, 1_500)
    while (performance.now() < until);
  },
  'starved loop': () => {
    const until = performance.now() + 800
    const again = () => (performance.now() < until ? process.nextTick(again) : undefined)
    again()
  },
  'burning timers': () => {
    for (let count = 0; count < 50; count += 1) setInterval(() => Math.hypot(count, count), 1)
  },
  'a leak': () => {
    Object.assign(globalThis, { leaked: Array.from({ length: 64 }, () => Buffer.alloc(2 ** 20, 1)) })
  },
  ...globalMisdeeds,
}

export const misdeeds: Readonly<Record<Kind, Readonly<Record<string, Misdeed>>>> = {
  messages,
  process: deeds,
  'floods and globals': floods,
}

/** The misdeed of this name, of whichever kind. */
export function misdeedNamed(name: string): Misdeed | undefined {
  return { ...messages, ...deeds, ...floods }[name]
}
