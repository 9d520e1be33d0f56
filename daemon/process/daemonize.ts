/**
 * Runs the server in the background: the command becomes the launcher of a process in a new session, and waits until
 * that process is ready.
 */
import { isatty } from 'node:tty'
import type { Settings } from '../../config/table.ts'
import { exitCodes } from '../../worker/protocol/exit-codes.ts'
import { trySpawn, whyNotStarted } from '../system/spawn.ts'
import { saysReady, tellParent } from './parent-channel.ts'

/** Marks a process as the daemon; no other process gets it. */
const variable = 'TSICORN_DAEMON'

/** What a daemon sends its launcher, besides that it is ready. */
type FromDaemon =
  | { readonly type: 'log'; readonly lines: string }
  | { readonly type: 'complaint'; readonly text: string }

type Asked = Pick<Settings, 'errorlog' | 'enable_stdio_inheritance'>

interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/**
 * Starts the server again in the background, with the same command line. Resolves with the exit code of the command: 0
 * when the server is ready, else that of the server, which has ended.
 */
export async function daemonize(settings: Asked): Promise<number> {
  const errors = streamOf(2, settings)
  const daemon = trySpawn(process.argv0, [...process.execArgv, ...process.argv.slice(1)], {
    detached: true,
    env: { ...process.env, [variable]: '1' },
    stdio: ['ignore', streamOf(1, settings), errors, 'ipc'],
  })
  if (daemon instanceof Error) throw notStarted(daemon)
  const show = (text: string) => void process.stderr.write(text)
  const isSilent = errors === 'ignore'
  const seesLog = settings.errorlog === '-'
  let kept = ''
  const ended = new Promise<Ending>((resolve, reject) => {
    daemon.on('error', error => reject(notStarted(error)))
    daemon.once('close', (code, signal) => resolve({ code, signal }))
  })
  const ready = new Promise<'ready'>(resolve => {
    daemon.on('message', (words: unknown) => {
      if (saysReady(words)) return resolve('ready')
      const message = words as FromDaemon
      if (message.type === 'complaint' && isSilent) show(message.text)
      if (message.type === 'log' && !seesLog && isGrave(message.lines)) kept += message.lines
      if (message.type === 'log' && seesLog && isSilent) show(message.lines)
    })
  })
  const interruption = passOnSignals(name => daemon.kill(name))
  const outcome = await Promise.race([ready, ended])
  if (outcome === 'ready' && interruption.name() === undefined) {
    interruption.release()
    daemon.send({ type: 'heard' }, () => daemon.disconnect())
    daemon.unref()
    if (seesLog && isSilent) show('From here on the error log goes nowhere: set errorlog to a file\n')
    return exitCodes.ok.code
  }
  const ending = outcome === 'ready' ? await ended : outcome
  interruption.release()
  show(kept)
  return conclude(ending, interruption.name(), show)
}

function notStarted(error: Error): Error {
  return new Error(`Cannot start the daemon: ${whyNotStarted(error, process.argv0, '.')}`)
}

/** As in Gunicorn: a terminal is never kept, and any other stream only on request. */
function streamOf(fd: number, { enable_stdio_inheritance }: Asked): 'ignore' | 'inherit' {
  return enable_stdio_inheritance && !isatty(fd) ? 'inherit' : 'ignore'
}

function isGrave(lines: string): boolean {
  return /^\[[^\]]+\] \[\d+\] \[(WARNING|ERROR|CRITICAL)\] /.test(lines)
}

/** Passes signals on: a user who interrupts the launcher means the daemon, which has no terminal. */
function passOnSignals(send: (name: NodeJS.Signals) => void) {
  let first: NodeJS.Signals | undefined
  const handlers = (['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'] as const).map(name => {
    const handler = () => {
      first ??= name
      send(name === 'SIGHUP' ? 'SIGTERM' : name)
    }
    process.on(name, handler)
    return () => process.off(name, handler)
  })
  return {
    name: () => first,
    release() {
      for (const remove of handlers) remove()
    },
  }
}

function conclude(
  { code, signal }: Ending,
  interruption: NodeJS.Signals | undefined,
  show: (text: string) => void,
): number {
  // End the launcher by the same signal.
  if (interruption !== undefined) process.kill(process.pid, interruption)
  const { ok, failed } = exitCodes
  if (code !== null && code !== ok.code) return code
  if (interruption === undefined) {
    show(
      `The server was ended before it was ready: ${signal === null ? 'somebody told it to stop' : signal}\n`,
    )
  }
  return failed.code
}

/** The command that waits for this process. */
export interface Launcher {
  /** Shows log lines to the user. */
  log(lines: string): void
  /** Shows why there is no server. */
  complain(text: string): void
}

/** Undefined if this process is no daemon. Call it once, before anything else. */
export function findLauncher(): Launcher | undefined {
  if (process.env[variable] === undefined) return undefined
  delete process.env[variable]
  process.umask(0o022)
  let waits = process.connected === true
  // The launcher has heard that the server is ready.
  process.on('message', () => {
    waits = false
  })
  process.on('disconnect', () => {
    if (waits) process.kill(process.pid, 'SIGTERM')
  })
  process.channel?.unref()
  const tell = (message: FromDaemon) => {
    if (waits) tellParent(message)
  }
  return { log: lines => tell({ type: 'log', lines }), complain: text => tell({ type: 'complaint', text }) }
}
