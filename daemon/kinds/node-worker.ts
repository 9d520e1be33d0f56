/** Workers that are processes of Node: they are told what to do over a channel of their own. */
import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import type { Duplex, Readable } from 'node:stream'
import { channelFd, firstInherited } from '../../worker/protocol/frame.ts'
import type { Start } from '../../worker/protocol/messages.ts'
import { captureLines } from '../logs/captured-output.ts'
import { workerCommand, workerEnvironment } from '../system/worker-command.ts'
import { WorkerChannel } from './worker-channel.ts'
import type { Link, LinkListeners, WorkerStart } from './worker-start.ts'

export interface NodeOptions {
  /** The absolute path of the app's file, which is the main module; undefined if only the worker can find it. */
  readonly app: string | undefined
  /** What the app finds in `process.argv`. */
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  /** The descriptors that the process inherits, from `firstInherited` on. */
  readonly descriptors: readonly number[]
  readonly start: Start
  /** Receives what the process prints, in whole lines; without it, that goes to the arbiter's own output. */
  readonly capture?: ((lines: string) => void) | undefined
  /** The worker gets a watchdog thread that can report its stack. */
  readonly hasWatchdog?: boolean
}

/** How long a process may live after its channel has closed, in milliseconds: it may be about to exit. */
const endingMs = 1_000

export function nodeWorker(options: NodeOptions): WorkerStart {
  const { app, args, cwd, env, descriptors, start, capture, hasWatchdog = false } = options
  const isThreaded = hasThreads(start)
  const printed = capture === undefined ? 'inherit' : 'pipe'
  return {
    file: process.execPath,
    args: workerCommand(app, args, isThreaded),
    options: {
      cwd,
      env: workerEnvironment(env, start, isThreaded),
      stdio: ['ignore', printed, printed, 'pipe', ...descriptors, ...(hasWatchdog ? ['pipe' as const] : [])],
    },
    hasTsx: start.tsx,
    connect(child, listeners) {
      for (const stream of [child.stdout, child.stderr]) {
        if (stream && capture) captureLines(stream as Readable, capture)
      }
      const watchdog = firstInherited + descriptors.length
      const link = linkTo(child, listeners, hasWatchdog ? watchdog : undefined)
      link.send(hasWatchdog ? { ...start, watchdog } : start)
      return link
    },
  }
}

/** Whether its main thread runs no app, but others do. */
function hasThreads({ settings, page }: Pick<Start, 'settings' | 'page'>): boolean {
  return settings.worker_class === 'threads' && page === undefined
}

function linkTo(child: ChildProcess, listeners: LinkListeners, watchdogFd: number | undefined): Link {
  // A process that could not be started has no streams.
  const streamAt = (fd: number) => child.stdio?.[fd] as Socket | null | undefined
  const socket = streamAt(channelFd)
  let loss: NodeJS.Timeout | undefined
  const channel =
    socket &&
    new WorkerChannel(socket, {
      ...listeners,
      lost() {
        loss = setTimeout(listeners.lost, endingMs)
      },
    })
  const watchdog: Duplex | undefined =
    watchdogFd === undefined ? undefined : (streamAt(watchdogFd) ?? undefined)
  watchdog?.on('error', () => undefined).resume()
  return {
    watchdog,
    get isOpen() {
      return channel?.isOpen !== false
    },
    send: message => channel?.send(message),
    kill: () => void child.kill('SIGKILL'),
    finish() {
      channel?.finish()
      return undefined
    },
    close() {
      clearTimeout(loss)
      channel?.close()
    },
  }
}
