/** Starts a side, waits until it serves, and stops all of its processes. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../free-port.ts'
import { ask, type Target } from '../load/target.ts'
import { membersOf } from '../process-tree.ts'
import { type Place, type Setup, type Side, socketIn } from './setup.ts'

export interface RunningServer {
  readonly pid: number
  readonly target: Target
  readonly place: Place
  /** Milliseconds from the start of the command to the first answer with 200. */
  readonly boot: number
  /** Everything that its processes have written, if it is not too much. */
  said(): string
  stop(): Promise<void>
}

/** How long a server may take to its first answer, or to its end. */
const patienceMs = { start: 180_000, stop: 15_000 }

/** Says whether a side has a case, without starting it: it may write files into the place. */
export function canServe(side: Side, setup: Setup): boolean {
  return withFolder(folder => side.serve(setup, { folder, port: 1, statsdPort: 1 }) !== undefined)
}

/** Rejects if the server ends before it serves, with its output. */
export async function startServer(
  side: Side,
  setup: Setup,
  moreEnvironment: Readonly<Record<string, string>> = {},
): Promise<RunningServer> {
  const statsd = createSocket('udp4').bind(0, '127.0.0.1')
  await once(statsd, 'listening')
  const place: Place = {
    port: await freePort(),
    folder: mkdtempSync(join(tmpdir(), 'tsicorn-bench-')),
    statsdPort: statsd.address().port,
  }
  if (setup.extra !== 'statsd') statsd.close()
  const remove = () => {
    if (setup.extra === 'statsd') statsd.close()
    rmSync(place.folder, { recursive: true, force: true })
  }
  const command = side.serve(setup, place)
  if (command === undefined) throw new Error(`${side.title} cannot serve this`)
  const began = performance.now()
  const child = spawn(command.program, command.args, {
    cwd: command.cwd ?? place.folder,
    env: { ...withoutPort(process.env), ...command.env, ...moreEnvironment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const target = {
    protocol: setup.protocol,
    port: place.port,
    ...(setup.isUnix ? { socket: socketIn(place) } : {}),
  }
  const said = listenTo(child)
  endWithThisProcess(child)
  try {
    await untilServed(side, child, target, said)
  } catch (error) {
    await end(child)
    remove()
    throw error
  }
  return {
    pid: child.pid!,
    target,
    place,
    boot: performance.now() - began,
    said,
    async stop() {
      await end(child)
      remove()
    },
  }
}

function listenTo(child: ChildProcess): () => string {
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', text => {
      if (said.length < 2 ** 22) said += text
    })
  return () => said
}

async function untilServed(
  side: Side,
  child: ChildProcess,
  target: Target,
  said: () => string,
): Promise<void> {
  let failure: Error | undefined
  child.once('error', error => {
    failure = error
  })
  child.once('exit', () => {
    failure ??= new Error('it ended')
  })
  const deadline = performance.now() + patienceMs.start
  while (!(await ask(target, '/').then(({ status }) => status === 200, isFalse))) {
    if (performance.now() > deadline) failure ??= new Error('it does not serve')
    if (failure !== undefined) throw new Error(`Cannot start ${side.title}: ${failure.message}\n${said()}`)
    await sleep(1)
  }
}

/** Those that have to end with this process. */
const running = new Set<ChildProcess>()

function endWithThisProcess(child: ChildProcess): void {
  running.add(child)
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    if (!process.listeners(signal).includes(endAll)) process.on(signal, endAll)
}

async function endAll(): Promise<void> {
  await Promise.all(Array.from(running, end))
  process.exit(130)
}

/** Asks it to end, and then ends what is left of its processes. */
async function end(child: ChildProcess): Promise<void> {
  running.delete(child)
  if (child.pid === undefined) return
  const members = membersOf(child.pid)
  const isRunning = child.exitCode === null && child.signalCode === null
  if (isRunning) {
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    await Promise.race([ended, sleep(patienceMs.stop, undefined, { ref: false })])
  }
  for (const member of members) if (isSame(member)) killIfAlive(member.pid)
}

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** A process id may have been given away in the meantime. */
function isSame({ pid, started }: { readonly pid: number; readonly started: number }): boolean {
  return membersOf(pid)[0]?.started === started
}

/** An app that listens by itself would listen there. */
function withoutPort({ PORT: _, ...env }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return env
}

function withFolder<Result>(use: (folder: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), 'tsicorn-bench-'))
  try {
    return use(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function isFalse(): false {
  return false
}
