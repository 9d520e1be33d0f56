/**
 * Workers that are programs: they inherit the sockets, are told to leave by a signal, and say nothing else. What a
 * worker of Node says by messages is found out here, and said in its name.
 */
import type { ChildProcess } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { Settings } from '../../config/table.ts'
import type { ToWorker } from '../../worker/protocol/messages.ts'
import type { ExitStatus } from '../system/spawn.ts'
import { arbiterMark } from '../system/worker-command.ts'
import { guard } from './orphan-guard.ts'
import { ageMark, type CommandOptions, programCommand } from './program-command.ts'
import { ProgramOutput } from './program-output.ts'
import { followUsage } from './program-usage.ts'
import { type ReadinessSettings, watchReadiness } from './readiness.ts'
import { endRemains } from './remains.ts'
import type { Link, LinkListeners, WorkerStart } from './worker-start.ts'

export { whyNotRunnable } from './program-command.ts'

export interface ProgramOptions extends CommandOptions {
  readonly settings: ReadinessSettings &
    Pick<
      Settings,
      | 'stop_signal'
      | 'graceful_timeout'
      | 'max_worker_rss'
      | 'max_worker_lifetime'
      | 'max_worker_lifetime_jitter'
    >
  /** Its place on the scoreboard. */
  readonly seat: { readonly fd: number; readonly slot: number }
  /** Receives the lines that it prints. */
  readonly print: (line: string, pid: number) => void
}

export function programWorker(options: ProgramOptions): WorkerStart {
  return {
    ...programCommand(options),
    isProgram: true,
    connect(child, listeners) {
      return hasPid(child) ? linkTo(child, options, listeners) : noLink
    },
  }
}

type Running = ChildProcess & { readonly pid: number }

function hasPid(child: ChildProcess): child is Running {
  return child.pid !== undefined
}

/** To a process that could not be started. */
const noLink: Link = {
  isOpen: true,
  send: () => undefined,
  kill: () => undefined,
  finish: () => undefined,
  close: () => undefined,
}

/** How long a program that is to leave without finishing has after its signal, in milliseconds. */
const hurriedMs = 500

/** How long what a program leaves behind has, where the program itself had its time, in milliseconds. */
const remainsMs = 1_000

function linkTo(child: Running, options: ProgramOptions, { hear, complain }: LinkListeners): Link {
  const { settings, seat, age, index, command } = options
  const { pid } = child
  const name = `The program ${JSON.stringify(command[0])}`
  let state: 'booting' | 'ready' | 'told to leave' | 'failed' = 'booting'
  let ending: ExitStatus | undefined
  /** Until nothing is left of it. */
  let remains: Promise<void> | undefined
  const output = new ProgramOutput({
    log: line => options.print(line, pid),
    see: lines => readiness.see(lines),
    complain,
  })
  const readiness = watchReadiness(child, index, settings, beReady)
  const unguard = guard(pid, settings.stop_signal, settings.graceful_timeout)
  const stopUsage = followUsage({
    ...seat,
    age,
    pid,
    limits: settings,
    recycle: why => hear({ type: 'recycle', why }),
  })
  for (const stream of [child.stdout, child.stderr]) output.read(stream as Readable)
  hear({ type: 'booting' })

  function beReady(): void {
    if (state !== 'booting') return
    state = 'ready'
    readiness.close()
    hear({ type: 'ready' })
  }

  function fail(why: string): void {
    if (state !== 'booting') return
    state = 'failed'
    const { lastLines } = output
    hear({
      type: 'failed',
      why: 'boot',
      message: `${name} ${why}${lastLines && `; its last lines:${lastLines}`}`,
    })
  }

  function leave(): void {
    // It may have accepted requests: it gets the time of one that serves.
    beReady()
    state = 'told to leave'
    child.kill(`SIG${settings.stop_signal}`)
  }

  /** The whole group; the process itself is asked as well, to hear why it cannot be killed. */
  function kill(): void {
    if (ending !== undefined) return
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // The next line says why.
    }
    child.kill('SIGKILL')
  }

  const orders: Readonly<
    Partial<{ [Type in ToWorker['type']]: (message: Extract<ToWorker, { type: Type }>) => void }>
  > = {
    drain({ seconds }) {
      leave()
      if (seconds === 0) setTimeout(kill, hurriedMs).unref()
    },
    quit: leave,
    cancel: leave,
    'give up'() {
      fail(`was not ready within boot_timeout: ${readiness.missing}`)
      child.kill(`SIG${settings.stop_signal}`)
    },
  }

  return {
    isOpen: true,
    send: message => (orders[message.type] as ((message: ToWorker) => void) | undefined)?.(message),
    kill,
    finish(status, isExpected) {
      ending = status
      stopUsage()
      unguard()
      readiness.close()
      output.finish()
      const patienceMs = isExpected ? remainsMs : settings.graceful_timeout * 1_000
      const marks = [arbiterMark, ageMark(age)]
      // What is left of it may have something to say, to its last moment.
      remains = endRemains({ pid, marks, patienceMs, report: complain })?.then(() => output.ended())
      return isExpected ? remains : undefined
    },
    close() {
      fail(`${endOf(ending)} before it was ready`)
      if (remains === undefined) output.close()
      else void remains.then(() => output.close())
    },
  }
}

function endOf(status: ExitStatus | undefined): string {
  if (status?.signal != null) return `was ended by ${status.signal}`
  const hint = status?.code === 0 ? ' (a worker has to stay in the foreground)' : ''
  return `exited with code ${status?.code}${hint}`
}
