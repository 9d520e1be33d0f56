/**
 * Everything an arbiter and a worker say to each other, over a channel of their own: see `frame.ts`.
 *
 * Settings are data and travel in `start`; hooks and apps are code and are imported by the worker itself.
 */

/** What the arbiter tells a worker. */
export type ToWorker =
  | Start
  | Drain
  /** The server is going to stop: serve on, and tell balancers. */
  | { readonly type: 'announce' }
  | { readonly type: 'quit' }
  /** It is not wanted before it was ready; what it may have accepted meanwhile it finishes, and says that it is ready. */
  | { readonly type: 'cancel' }
  | { readonly type: 'reopen' }
  /** The certificate was renewed. */
  | { readonly type: 'renew'; readonly tls: TlsMaterial }

/** By which a worker is told to leave, one way or another. */
export const orders: readonly string[] = ['cancel', 'drain', 'quit']

/** What a worker tells the arbiter. */
export type FromWorker =
  | { readonly type: 'booting' }
  | { readonly type: 'ready' }
  | {
      readonly type: 'failed'
      readonly why: BootFailure
      readonly message: string
      /** Where the app listens, where that is the reason. */
      readonly binds?: readonly string[]
    }
  /** The app is loaded, and listens where the arbiter has not bound; `binds` is in the form of `bind`. */
  | { readonly type: 'listens'; readonly message: string; readonly binds: readonly string[] }
  /** It was told to leave by somebody else (a signal), and asks the arbiter how. */
  | { readonly type: 'leaving'; readonly why: string }
  /** It has reached a limit of its own (requests, memory, lifetime) and serves until it has a successor. */
  | { readonly type: 'worn'; readonly why: string }
  /** It ends because of an exception that nothing caught. */
  | { readonly type: 'crashed'; readonly why: string }
  | { readonly type: 'log'; readonly level: LogLevel; readonly message: string }

/** The first message: all that a worker needs to know before it imports any user code. */
export interface Start {
  readonly type: 'start'
  readonly age: number
  readonly generation: number
  readonly bindFrom: BindFrom
  /** The arbiter binds what the app wants to listen on besides. */
  readonly mayBind: boolean
  /** What it has tried to, in the form of `bind`. */
  readonly unbound: readonly string[]
  /** Why there is no listener, where the app may have one of its own. */
  readonly bindFailure?: string
  /** Node alone cannot load the app. */
  readonly tsx: boolean
  /** Its place among the workers, from 0 on; its successor gets the same one. */
  readonly index: number
  /** Load the app, say whether that worked, and leave: `--check-config`. */
  readonly check: boolean
  readonly settings: WorkerSettings
  readonly listeners: readonly InheritedListener[]
  /** The descriptor of the scoreboard and the worker's place in it. */
  readonly scoreboard: { readonly fd: number; readonly slot: number }
  /** The descriptor of the channel between the arbiter and the watchdog thread; absent where there is none. */
  readonly watchdog?: number
  /** Where to import the worker's hooks from, and which of them are set; absent when there is nothing to import. */
  readonly hooks?: WorkerHooks
  /** Who to become before the app is loaded; absent where the worker stays who it is. */
  readonly identity?: WorkerUser
  /** What TLS is spoken with; absent where it is not. */
  readonly tls?: TlsMaterial
}

/**
 * Read by the arbiter, so that a key which only root may read stays so, and that a worker can start whatever has
 * become of the files.
 */
export interface TlsMaterial {
  readonly cert: string
  readonly key: string
  readonly ca?: string
  readonly ciphers?: string
  readonly ssl_version: string
  readonly cert_reqs: number
  /** Shared by all workers, so that a client resumes its session with any of them; base64. */
  readonly ticketKeys: string
  /** All settings by name, for the hook `ssl_context`, where that is set. */
  readonly settings?: Readonly<Record<string, unknown>>
}

/** A user and a group; what is absent stays as the arbiter has it. */
export interface WorkerUser {
  readonly uid?: number
  readonly gid?: number
  /** The name of the user, where the user has one. */
  readonly user?: string
  readonly home?: string
  /** Take the other groups of the user too. */
  readonly initgroups: boolean
  /** As configured, for messages. */
  readonly words: string
}

/** Finish what you have and leave. */
export interface Drain {
  readonly type: 'drain'
  /** Seconds until what is still open is cut. */
  readonly seconds: number
  /** Descriptors that nobody else will accept from: take what the kernel has queued there first. */
  readonly abandoned: readonly number[]
}

/** The settings that workers act upon; names and units are those of the configuration. */
export interface WorkerSettings {
  readonly app: string
  /** The name in the process title. */
  readonly name: string
  readonly raw_env: readonly string[]
  readonly loglevel: LogLevel
  readonly accesslog: string | null
  /** Null where it is a function, which the worker imports itself. */
  readonly access_log_format: string | null
  /** What gets the lines of the access log too; null where nothing does. */
  readonly syslog: SyslogTarget | null
  readonly statsd: StatsdTarget | null
  readonly request_id_header: string | null
  readonly keepalive: number
  readonly backlog: number
  readonly graceful_timeout: number
  readonly wait_ready: boolean
  readonly header_timeout: number
  readonly limit_request_line: number
  readonly limit_request_fields: number
  readonly limit_request_field_size: number
  readonly limit_request_body: number
  readonly write_timeout: number
  readonly limit_response_buffer: number
  readonly header_map: 'drop' | 'refuse' | 'dangerous'
  readonly forwarder_headers: readonly string[]
  readonly forwarded_allow_ips: readonly string[]
  readonly secure_scheme_headers: Readonly<Record<string, string>>
  readonly proxy_protocol: 'off' | 'v1' | 'v2' | 'auto' | 'required'
  readonly proxy_allow_ips: readonly string[]
  readonly worker_connections: number
  readonly ready_path: string | null
  readonly request_timeout: number
  readonly max_requests: number
  readonly max_requests_jitter: number
  readonly max_worker_rss: number
  readonly max_worker_lifetime: number
  readonly max_worker_lifetime_jitter: number
  readonly http_protocols: readonly string[]
  readonly http2_cleartext: string
  readonly http2_max_concurrent_streams: number
  readonly http2_initial_window_size: number
  readonly http2_max_frame_size: number
  readonly http2_max_header_list_size: number
}

/** Where records for syslog go. */
export interface SyslogTarget {
  /** `text` is the address as configured. */
  readonly address:
    | { readonly kind: 'udp' | 'tcp'; readonly host: string; readonly port: number; readonly text: string }
    | { readonly kind: 'unix'; readonly path: string; readonly text: string }
  readonly facility: string
  /** The name of the program. */
  readonly prefix: string
}

/** Where metrics go. */
export interface StatsdTarget {
  readonly host: string
  readonly port: number
  /** The address as configured. */
  readonly text: string
  readonly prefix: string
  readonly tags: string
}

/** A listening socket that the arbiter bound and the worker inherited. */
export interface InheritedListener {
  /** -1 where the worker binds a socket of its own: see `reuse_port`. */
  readonly fd: number
  readonly reuse_port: boolean
  /** Nobody but the app has asked for it. */
  readonly of_app: boolean
  /** And that not in every worker, or only when it was loaded. */
  readonly late: boolean
  /** `http://127.0.0.1:8000` or `unix:/run/app.sock`, for logs. */
  readonly name: string
  /** The bound port; absent for a unix socket. */
  readonly port?: number
  readonly host?: string
  readonly ipv6Only?: true
  readonly path?: string
}

/** Who said where to listen; `PORT` says nothing of the host. */
export type BindFrom = 'nobody' | 'PORT' | 'operator'

/** Why a worker could not start: the arbiter's exit code and retries depend on it. */
export const bootFailures = ['boot', 'app', 'bind', 'log', 'tsx', 'elsewhere'] as const

export type BootFailure = (typeof bootFailures)[number]

export const logLevels = ['debug', 'info', 'warning', 'error', 'critical'] as const

export type LogLevel = (typeof logLevels)[number]

export interface WorkerHooks {
  /** The configuration file, absolute. */
  readonly file: string
  readonly names: readonly string[]
  /** What the configuration is read for; a configuration that is a function is told. */
  readonly command: 'serve' | 'check' | 'print'
}

/** The global symbol under which a worker keeps the function that lists its requests, for when its event loop stands. */
export const requestsKey = 'tsicorn.requests'
