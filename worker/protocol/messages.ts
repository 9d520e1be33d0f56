/**
 * All messages between arbiter and worker; `frame.ts` has their framing.
 *
 * Settings are data and are sent in `start`; hooks and apps are code, and are imported by the worker itself.
 */
import type { WorkerUser } from '../../config/resolve/account.ts'
import type { Parsed } from '../../config/resolve/parsed.ts'
import type { SentSettings } from '../../config/table.ts'

export type { WorkerUser } from '../../config/resolve/account.ts'
export type { StatsdTarget, SyslogTarget } from '../../config/resolve/parsed.ts'

/** Messages from the arbiter to a worker. */
export type ToWorker =
  | Start
  | Drain
  /** The server is going to stop: keep serving, and fail the readiness check. */
  | { readonly type: 'announce' }
  | { readonly type: 'quit' }
  /** Not wanted any more although it is not ready: finish what was accepted meanwhile, then leave. */
  | { readonly type: 'cancel' }
  /** It is not ready in time, and is killed unless it fails now by itself, to finish what it has accepted. */
  | { readonly type: 'give up'; readonly why: string }
  | { readonly type: 'reopen' }
  /** Tell the metrics of the app, with this number. */
  | { readonly type: 'measure'; readonly turn: number }
  /** The certificate was renewed. */
  | { readonly type: 'renew'; readonly tls: TlsMaterial }

/** The messages that tell a worker to leave. */
export const leaveOrders: readonly string[] = ['cancel', 'drain', 'quit']

/** Messages from a worker to the arbiter. */
export type FromWorker =
  | { readonly type: 'booting' }
  | { readonly type: 'ready' }
  | {
      readonly type: 'failed'
      readonly why: BootFailure
      readonly message: string
      /** The addresses of the app, where these are the reason. */
      readonly binds?: readonly string[]
    }
  /** The loaded app listens on addresses that the arbiter has not bound; `binds` is in the form of `bind`. */
  | { readonly type: 'listens'; readonly message: string; readonly binds: readonly string[] }
  /** The worker got a signal to leave, and asks the arbiter how. */
  | { readonly type: 'leaving'; readonly why: string }
  /** The worker has reached a limit (requests, memory, lifetime) and serves until it is replaced. */
  | { readonly type: 'recycle'; readonly why: string }
  /** The worker ends because of an uncaught exception. */
  | { readonly type: 'crashed'; readonly why: string; readonly stack?: string }
  | { readonly type: 'log'; readonly level: LogLevel; readonly message: string }
  /** A part of the answer to `measure`: families as in `app-metrics.ts`, which nobody has checked yet. */
  | {
      readonly type: 'metrics'
      readonly turn: number
      readonly families: readonly unknown[]
      readonly isLast: boolean
    }

/** The first message: everything a worker needs before it imports user code. */
export interface Start {
  readonly type: 'start'
  readonly age: number
  readonly generation: number
  readonly bindFrom: BindFrom
  /** The arbiter can bind further addresses of the app. */
  readonly mayBind: boolean
  /** Addresses that it failed to bind, in the form of `bind`. */
  readonly unbound: readonly string[]
  /** Why there is no listener, where the app may have one of its own. */
  readonly bindFailure?: string
  /** The app needs tsx. */
  readonly tsx: boolean
  /** The index of the worker, from 0; its replacement gets the same one. */
  readonly index: number
  /** Which thread of its worker this is, from 0; only in the message to a thread, from the main thread. */
  readonly place?: { readonly thread: number }
  /** Load the app, report whether that worked, and leave: `--check-config`. */
  readonly check: boolean
  readonly settings: WorkerSettings
  readonly listeners: readonly InheritedListener[]
  /** The descriptor of the scoreboard and the worker's place in it. */
  readonly scoreboard: Seat
  /** The descriptor of the channel between the arbiter and the watchdog thread; absent where there is none. */
  readonly watchdog?: number
  /** Where to import the worker's hooks from, and which of them are set; absent when there is nothing to import. */
  readonly hooks?: WorkerHooks
  /** The user to become before the app is loaded; absent where the worker keeps that of the arbiter. */
  readonly identity?: WorkerUser
  /** Certificate and key; absent without TLS. */
  readonly tls?: TlsMaterial
  /** Where the fork server of the generation listens: with `preload_app`, for Python. */
  readonly forks?: string
  /** Serve this instead of the app, which does not load. */
  readonly page?: ErrorPage
}

/** Where a worker writes its record. */
export interface Seat {
  readonly fd: number
  readonly slot: number
  /** For a thread: memory that it shares with the main thread, which adds up the records. */
  readonly shared?: Float64Array
  /** That of all threads of its worker, its own included. */
  readonly threads?: readonly Float64Array[]
}

/** Messages from the main thread of a worker to its other threads. */
export type ToThread =
  | ToWorker
  /** The process got this signal. */
  | { readonly type: 'signal'; readonly signal: NodeJS.Signals }
  /** All threads have come as far as this one. */
  | { readonly type: 'go on' }
  /** The arbiter is gone. */
  | { readonly type: 'lost' }

/** Messages from a thread to the main thread, which passes most of them on. */
export type FromThread =
  | FromWorker
  /** It waits until all threads have come so far: to become another user, or to stop what tsx has started. */
  | { readonly type: 'waits'; readonly for: Barrier }

/** Where threads wait for each other, in this order. */
export type Barrier = 'user' | 'loaded' | 'stopped'

/** What there is to show while an app does not load. */
export interface ErrorPage {
  /** What failed, in a few words. */
  readonly heading: string
  /** Why, with the stack of the user's code where that threw. */
  readonly message: string
}

/**
 * The certificate and its options. The arbiter reads the files, so that the key can stay readable by root alone, and a
 * worker can start even if the files are gone.
 */
export interface TlsMaterial {
  readonly cert: string
  readonly key: string
  readonly ca?: string
  readonly ciphers?: string
  readonly ssl_version: string
  readonly cert_reqs: number
  /** Shared by all workers, so that a client can resume its session with any of them; base64. */
  readonly ticketKeys: string
  /** All settings by name, where the hook `ssl_context` is set. */
  readonly settings?: Readonly<Record<string, unknown>>
}

/** How to finish open requests and leave. */
export interface DrainOrder {
  /** Seconds until open connections are cut. */
  readonly seconds: number
  /** Descriptors that no other process accepts from: take their queued connections first. */
  readonly abandoned: readonly number[]
}

export interface Drain extends DrainOrder {
  readonly type: 'drain'
}

/** The settings that workers need; names and units are those of the configuration. */
export interface WorkerSettings
  extends SentSettings,
    Pick<Parsed, 'name' | 'accesslog' | 'syslog' | 'statsd'> {
  readonly app: string
  /** Null for a function, which the worker imports itself. */
  readonly access_log_format: string | null
}

/** A listening socket that the arbiter bound and the worker inherited. */
export interface InheritedListener {
  /** -1 where the worker binds a socket of its own: see `reuse_port`. */
  readonly fd: number
  /** Another descriptor of the same socket: see `worker/listen/descriptors.ts`. -1 as above. */
  readonly spare: number
  readonly reuse_port: boolean
  /** Only the app has asked for it. */
  readonly of_app: boolean
  /** And only after it was loaded, or not in every worker. */
  readonly late: boolean
  /** `http://127.0.0.1:8000` or `unix:/run/app.sock`, for logs. */
  readonly name: string
  /** The bound port; absent for a unix socket. */
  readonly port?: number
  readonly host?: string
  readonly ipv6Only?: true
  readonly path?: string
}

/** Who chose the addresses; `PORT` says nothing about the host. */
export type BindFrom = 'nobody' | 'PORT' | 'operator'

/** Why a worker failed to boot: the arbiter's exit code and retries depend on it. */
export const bootFailures = ['boot', 'app', 'bind', 'log', 'tsx', 'elsewhere'] as const

export type BootFailure = (typeof bootFailures)[number]

export const logLevels = ['debug', 'info', 'warning', 'error', 'critical'] as const

export type LogLevel = (typeof logLevels)[number]

export interface WorkerHooks {
  /** The configuration file, absolute. */
  readonly file: string
  readonly names: readonly string[]
  /** What the configuration is loaded for: an argument of configurations that are functions. */
  readonly command: 'serve' | 'check' | 'print'
}

/** The global symbol of the function that lists the requests of a worker, for the watchdog of a stuck one. */
export const requestsKey = 'tsicorn.requests'
