/** What the kinds of workers have in common: how a worker's process is started, and how the arbiter reaches it. */
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import type { Duplex } from 'node:stream'
import type { FromWorker, ToWorker } from '../../worker/protocol/messages.ts'
import type { ExitStatus } from '../system/spawn.ts'

/** A worker of one kind, ready to be started. */
export interface WorkerStart {
  readonly file: string
  readonly args: readonly string[]
  readonly options: SpawnOptions & { readonly cwd: string }
  /** Makes the link to the process, which may not have been started: then it has no pid. */
  connect(process: ChildProcess, listeners: LinkListeners): Link
  /** Node was started with tsx. */
  readonly hasTsx?: boolean
  /** It counts no requests. */
  readonly isProgram?: boolean
}

/** What the arbiter hears of a worker. */
export interface LinkListeners {
  hear(message: FromWorker): void
  /**
   * A message about metrics, as JSON that is read when there is time; `done` says whether it was one, and lets the worker
   * send the next. Without it, nobody is interested.
   */
  hearMetrics?(text: string, done: (isMessage: boolean) => void): void
  /** The worker misbehaves; the text follows its name. */
  complain(text: string): void
  /** Messages do not reach it any more, but its process lives. */
  lost(): void
}

/** The arbiter's way to a worker, by messages: what they are for other kinds of workers is up to the kind. */
export interface Link {
  /** Whether messages reach it; where they do not, signals may. */
  readonly isOpen: boolean
  /** The channel to the watchdog thread, where there is one. */
  readonly watchdog?: Duplex | undefined
  send(message: ToWorker): void
  kill(): void
  /**
   * The process has ended: its last messages are read without delay. `isExpected` if it was told to leave. What the
   * promise waits for, if there is one, belongs to the worker and lives on.
   */
  finish(status: ExitStatus, isExpected: boolean): Promise<void> | undefined
  /** Nothing of it is wanted any more; what it has to say about its end, it says before. */
  close(): void
}
