/** A generation of workers: its settings, its hooks, its listening sockets, and what its workers get of them. */
import { resolve } from 'node:path'
import type { Resolved } from '../../config/resolve/resolve.ts'
import { parseStatsdHost, parseSyslogAddress } from '../../config/resolve/telemetry-address.ts'
import { type HookName, hookTable } from '../../hooks/table.ts'
import { appPathOf, findAppFile } from '../../worker/protocol/app-file.ts'
import { firstInherited } from '../../worker/protocol/frame.ts'
import type { InheritedListener, Start, TlsMaterial, WorkerSettings } from '../../worker/protocol/messages.ts'
import { activatedPrefix } from '../sockets/inherited-fds.ts'
import type { Listener } from '../sockets/sockets.ts'
import { bindFrom } from './app-binds.ts'

export interface Generation {
  readonly number: number
  readonly resolved: Resolved
  readonly listeners: readonly Listener[]
  /** Those that only the app asked for. */
  readonly ofApp: ReadonlySet<Listener>
  /** Of those, the ones that it asked for after it was loaded, or not in every worker. */
  readonly late: ReadonlySet<Listener>
  /** Addresses that the app asks for and the arbiter cannot bind. */
  readonly unbound: readonly string[]
  /** Why there is no listener: another server has the default address, which the app may not even need. */
  readonly failure?: string
  /** The certificate and key that its workers serve with; replaced when the files are renewed. */
  tls?: TlsMaterial
}

/** The first message to a worker of this generation. */
export function startMessage(
  generation: Generation,
  { age, index }: Pick<Start, 'age' | 'index'>,
  slot: number,
  tsx: boolean,
): Start {
  const { number, resolved } = generation
  return {
    type: 'start',
    age,
    generation: number,
    bindFrom: bindFrom(resolved),
    mayBind: mayBind(generation),
    unbound: generation.unbound,
    ...(generation.failure === undefined ? {} : { bindFailure: generation.failure }),
    tsx,
    index,
    check: false,
    settings: workerSettings(resolved),
    listeners: inheritedListeners(generation),
    scoreboard: { fd: firstInherited, slot },
    ...workerHooks(resolved),
    ...(resolved.owner === undefined ? {} : { identity: resolved.owner }),
    ...(generation.tls === undefined ? {} : { tls: generation.tls }),
  }
}

/** A worker that runs as another user must not get addresses bound that it could not bind itself. */
export function mayBind({ resolved, listeners }: Generation): boolean {
  return resolved.owner === undefined && !listeners.some(({ key }) => key.startsWith(activatedPrefix))
}

/** The settings that workers get unchanged. */
const passedOn = [
  'raw_env',
  'loglevel',
  'request_id_header',
  'keepalive',
  'backlog',
  'graceful_timeout',
  'wait_ready',
  'ready_path',
  'request_timeout',
  'max_requests',
  'max_requests_jitter',
  'max_worker_rss',
  'max_worker_lifetime',
  'max_worker_lifetime_jitter',
  'header_timeout',
  'limit_request_line',
  'limit_request_fields',
  'limit_request_field_size',
  'limit_request_body',
  'write_timeout',
  'limit_response_buffer',
  'header_map',
  'forwarder_headers',
  'forwarded_allow_ips',
  'secure_scheme_headers',
  'proxy_protocol',
  'proxy_allow_ips',
  'worker_connections',
  'http_protocols',
  'http2_cleartext',
  'http2_max_concurrent_streams',
  'http2_initial_window_size',
  'http2_max_frame_size',
  'http2_max_header_list_size',
] as const satisfies readonly (keyof WorkerSettings)[]

export function workerSettings(resolved: Resolved): WorkerSettings {
  const { settings } = resolved
  const { access_log_format: format } = settings
  const { syslog, statsd } = targetsOf(resolved)
  return {
    app: settings.app as string,
    name: processName(settings),
    accesslog: accessLogOf(resolved),
    access_log_format: typeof format === 'function' ? null : format,
    syslog: settings.disable_redirect_access_to_syslog ? null : syslog,
    statsd,
    ...pick(settings, passedOn),
  }
}

/** Where the error log goes: like that of the access log, its path is relative to the workers' working folder. */
export function errorLogOf({ settings }: Resolved): string {
  const { errorlog, chdir } = settings
  return errorlog === '-' ? errorlog : resolve(chdir, errorlog)
}

/** Where the access log goes, resolved in the same way; null without one. */
export function accessLogOf({ settings }: Resolved): string | null {
  const { accesslog, chdir } = settings
  return accesslog === null || accesslog === '-' ? accesslog : resolve(chdir, accesslog)
}

/** Where logs and metrics go as well; null if not there. */
export function targetsOf({ settings }: Resolved): Pick<WorkerSettings, 'syslog' | 'statsd'> {
  const { syslog, syslog_addr, syslog_facility: facility, syslog_prefix } = settings
  const { statsd_host, statsd_prefix: prefix, dogstatsd_tags: tags } = settings
  return {
    syslog: syslog
      ? { address: parseSyslogAddress(syslog_addr), facility, prefix: syslog_prefix ?? tagOf(settings) }
      : null,
    statsd: statsd_host === null ? null : { ...parseStatsdHost(statsd_host), prefix, tags },
  }
}

/** The process name in characters that syslog accepts in a tag: `./app.ts` is `app.ts`. */
function tagOf(settings: Resolved['settings']): string {
  return processName(settings)
    .replace(/[^\w.-]+/g, '.')
    .replace(/^\.+|\.+$/g, '')
}

/** The name in process titles. */
export function processName({ proc_name, app }: Resolved['settings']): string {
  return proc_name ?? app ?? 'tsicorn'
}

/** The app's file; undefined if it is a package, or if the worker has to report what is wrong. */
export function appFileOf({ app, chdir }: Resolved['settings']): string | undefined {
  try {
    return findAppFile(appPathOf(app as string), chdir)
  } catch {
    // The arbiter may not read the folder.
    return undefined
  }
}

/** Which hooks a worker has to import, and from which file, which may also define `access_log_format`. */
export function workerHooks({ settings, hooks, file, command }: Resolved): Pick<Start, 'hooks'> {
  const names = (Object.keys(hooks) as HookName[]).filter(name => hookTable[name].runs_in === 'worker')
  const isNeeded = names.length > 0 || typeof settings.access_log_format === 'function'
  if (file === undefined || !isNeeded) return {}
  return { hooks: { file, names, command: command === 'check' || command === 'print' ? command : 'serve' } }
}

/** What a worker inherits besides the scoreboard, in order. */
export function descriptorsOf({ listeners }: Pick<Generation, 'listeners'>): number[] {
  return listeners.flatMap(({ fd }) => (fd === undefined ? [] : [fd]))
}

/** `https://127.0.0.1:8000`: the name of a listener, with the scheme that this generation speaks. */
export function addressOf({ name }: Listener, { tls }: Pick<Generation, 'tls'>): string {
  return tls === undefined ? name : name.replace(/^http:/, 'https:')
}

/** The addresses that a generation listens on. */
export function addressesOf(generation: Generation | undefined): readonly string[] {
  return generation?.listeners.map(listener => addressOf(listener, generation)) ?? []
}

/** The listeners, as described to a worker. */
export function inheritedListeners(
  generation: Pick<Generation, 'listeners' | 'tls' | 'ofApp' | 'late'>,
): InheritedListener[] {
  const descriptors = descriptorsOf(generation)
  return generation.listeners.map(listener => {
    const { fd, host, port, ipv6Only, path } = listener
    return {
      fd: fd === undefined ? -1 : firstInherited + 1 + descriptors.indexOf(fd),
      reuse_port: fd === undefined,
      of_app: generation.ofApp.has(listener),
      late: generation.late.has(listener),
      name: addressOf(listener, generation),
      ...(host === undefined ? {} : { host }),
      ...(port === undefined ? {} : { port }),
      ...(ipv6Only === undefined ? {} : { ipv6Only }),
      ...(path === undefined ? {} : { path }),
    }
  })
}

function pick<T, Name extends keyof T>(from: T, names: readonly Name[]): Pick<T, Name> {
  return Object.fromEntries(names.map(name => [name, from[name]])) as Pick<T, Name>
}
