/**
 * The hooks: functions of the user, set as keys of the configuration and called at fixed moments.
 *
 * Every hook is declared once, here. `docs/hooks.md`, the types and checks of the configuration, and the callers are
 * derived from this table.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TlsOptions } from 'node:tls'

export interface HookDeclaration {
  /** The process that calls it. */
  readonly runs_in: 'arbiter' | 'worker'
  /** The names of its arguments; a hook may take fewer, never more. */
  readonly args: readonly string[]
  readonly moment: string
  /** What happens when the hook throws or rejects. */
  readonly on_error: string
}

export const hookTable = {
  on_starting: {
    runs_in: 'arbiter',
    args: ['server'],
    moment: 'Before the sockets are bound',
    on_error: 'the start is abandoned with exit code 1',
  },
  on_reload: {
    runs_in: 'arbiter',
    args: ['server'],
    moment: 'On HUP, after configuration and sockets, before the first new worker',
    on_error: 'the reload is abandoned and the old generation keeps serving',
  },
  when_ready: {
    runs_in: 'arbiter',
    args: ['server'],
    moment: 'Once, when every wanted worker of the first generation is ready',
    on_error: 'the error is logged and the service goes on',
  },
  pre_fork: {
    runs_in: 'arbiter',
    args: ['server', 'worker'],
    moment: 'Before each worker is spawned',
    on_error: 'that worker failed to boot',
  },
  post_fork: {
    runs_in: 'worker',
    args: ['server', 'worker'],
    moment:
      'First of all user code in a new worker, before privileges are dropped and before the app is loaded',
    on_error: 'that worker failed to boot',
  },
  post_worker_init: {
    runs_in: 'worker',
    args: ['worker'],
    moment: 'The app is loaded, the worker does not listen yet',
    on_error: 'that worker failed to boot',
  },
  worker_int: {
    runs_in: 'worker',
    args: ['worker'],
    moment: 'The worker is told to stop at once (INT or QUIT)',
    on_error: 'the error is logged and the worker stops',
  },
  worker_abort: {
    runs_in: 'worker',
    args: ['worker'],
    moment:
      'The worker got ABRT. A worker that exceeded `timeout` cannot run it, so the arbiter calls it, with what it knows of that worker',
    on_error: 'the error is logged and the worker ends',
  },
  pre_exec: {
    runs_in: 'arbiter',
    args: ['server'],
    moment: 'On USR2, before the new arbiter is spawned',
    on_error: 'the upgrade is abandoned and this arbiter keeps serving',
  },
  pre_request: {
    runs_in: 'worker',
    args: ['worker', 'req'],
    moment: 'Before each request reaches the app',
    on_error: 'the error is logged and the client gets 500',
  },
  post_request: {
    runs_in: 'worker',
    args: ['worker', 'req', 'res', 'timing'],
    moment: 'After each response is sent, or its client is gone',
    on_error: 'the error is logged',
  },
  child_exit: {
    runs_in: 'arbiter',
    args: ['server', 'worker'],
    moment: 'After a worker has ended',
    on_error: 'the error is logged',
  },
  worker_exit: {
    runs_in: 'worker',
    args: ['server', 'worker'],
    moment: 'Last of all in a worker that ends, after the app is closed',
    on_error: 'the error is logged and the worker ends',
  },
  nworkers_changed: {
    runs_in: 'arbiter',
    args: ['server', 'new_value', 'old_value'],
    moment: 'The number of wanted workers changed; once at the start with `old_value` undefined',
    on_error: 'the error is logged',
  },
  on_exit: {
    runs_in: 'arbiter',
    args: ['server'],
    moment: 'Last of all in the arbiter, whatever ended it in an orderly way',
    on_error: 'the error is logged and the exit code stays',
  },
  ssl_context: {
    runs_in: 'worker',
    args: ['settings', 'default_ssl_context_factory'],
    moment:
      'Each time a TLS context is made: in a new worker before privileges are dropped, and when the certificate is renewed, where an error is logged and the old context stays',
    on_error: 'that worker failed to boot',
  },
} as const satisfies Record<string, HookDeclaration>

export type HookName = keyof typeof hookTable

/** The hooks that a configuration may set; all of them may be async. */
export interface Hooks {
  readonly on_starting?: (server: ServerView) => unknown
  readonly on_reload?: (server: ServerView) => unknown
  readonly when_ready?: (server: ServerView) => unknown
  readonly pre_fork?: (server: ServerView, worker: WorkerView) => unknown
  readonly post_fork?: (server: ServerInfo, worker: WorkerView) => unknown
  readonly post_worker_init?: (worker: WorkerView) => unknown
  readonly worker_int?: (worker: WorkerView) => unknown
  readonly worker_abort?: (worker: WorkerView) => unknown
  readonly pre_exec?: (server: ServerView) => unknown
  readonly pre_request?: (worker: WorkerView, req: IncomingMessage) => unknown
  readonly post_request?: (
    worker: WorkerView,
    req: IncomingMessage,
    res: ServerResponse,
    timing: RequestTiming,
  ) => unknown
  readonly child_exit?: (server: ServerView, worker: WorkerView) => unknown
  readonly worker_exit?: (server: ServerInfo, worker: WorkerView) => unknown
  readonly nworkers_changed?: (server: ServerView, newValue: number, oldValue: number | undefined) => unknown
  readonly on_exit?: (server: ServerView) => unknown
  readonly ssl_context?: (
    settings: Readonly<Record<string, unknown>>,
    defaultSslContextFactory: () => TlsOptions,
  ) => TlsOptions | Promise<TlsOptions>
}

/** The log for hooks; its lines go to the error log, with the pid of the process that runs the hook. */
export interface HookLog {
  debug(message: string): void
  info(message: string): void
  warning(message: string): void
  error(message: string): void
  critical(message: string): void
}

/** The server, as a worker knows it. */
export interface ServerInfo {
  /** Process id of the arbiter. */
  readonly pid: number
  /** Base name in process titles, the setting `proc_name`. */
  readonly proc_name: string
  readonly log: HookLog
}

/** What the arbiter is doing. */
export type ServerPhase = 'booting' | 'waiting' | 'running' | 'reloading' | 'stopping' | 'stopped'

/** The server, as a hook in the arbiter sees it; each call gets a new view. */
export interface ServerView extends ServerInfo {
  readonly phase: ServerPhase
  /** Serial number of the current generation. */
  readonly generation: number
  /** The current settings, by name, as configured: the addresses of an app that listens itself are in `addresses`. */
  readonly settings: Readonly<Record<string, unknown>>
  /** The desired number of workers. */
  readonly num_workers: number
  readonly workers: readonly WorkerView[]
  /** `http://127.0.0.1:8000` or `unix:/run/app.sock`. */
  readonly addresses: readonly string[]
}

/** The states of a worker, in order; `cancelled` is one that was not wanted any more before it was ready. */
export type WorkerState = 'spawned' | 'booting' | 'ready' | 'cancelled' | 'draining' | 'quitting' | 'exited'

/** A worker, as a hook sees it. */
export interface WorkerView {
  /** Process id; undefined in `pre_fork`, where there is no process yet. */
  readonly pid: number | undefined
  /** Serial number: the first worker of an arbiter is 1. */
  readonly age: number
  /** Serial number of its generation: 1 before the first reload. */
  readonly generation: number
  /**
   * Index among the workers, from 0, as in `TSICORN_WORKER_INDEX` (which counts threads, where there are some); a
   * replacement has the index of the worker it replaces.
   */
  readonly index: number
  /** With `worker_class: 'threads'`, the number of the thread in its worker, from 0, in hooks that run in workers. */
  readonly thread?: number
  readonly state: WorkerState
  /** Exit code, in `child_exit`; null when a signal ended it. */
  readonly exit_code?: number | null
  /** The signal that ended it, in `child_exit`. */
  readonly signal?: NodeJS.Signals | null
  /** Why it left, in one phrase, in `child_exit` and in `worker_abort`. */
  readonly reason?: string
  /** Its JavaScript stack, innermost frame first, in `worker_abort` of a worker that exceeded a time limit. */
  readonly stack?: readonly string[]
  /** The requests that were unanswered at that time. */
  readonly requests?: readonly OpenRequest[]
  readonly log: HookLog
}

/** An unanswered request. */
export interface OpenRequest {
  readonly method: string
  readonly path: string
  /** The address of the client; empty for a unix socket. */
  readonly client: string
  /** Seconds since it arrived. */
  readonly age: number
}

/** The timing of a request, for `post_request`. */
export interface RequestTiming {
  /** Seconds from the parsed request head to the end of the response. */
  readonly duration: number
  /** Whether the response was sent completely; false when the client left first. */
  readonly finished: boolean
}
