/** What one generation of workers is made of: its settings, its hooks and its listening sockets. */
import { resolve } from 'node:path'
import type { Resolved } from '../config/resolve.ts'
import { type HookName, hookTable } from '../hooks/table.ts'
import type { InheritedListener, Start, TlsMaterial, WorkerSettings } from '../worker/protocol.ts'
import { firstInherited } from './child.ts'
import type { Listener } from './sockets.ts'

export interface Generation {
  readonly number: number
  readonly resolved: Resolved
  readonly listeners: readonly Listener[]
  /** What its workers speak TLS with; made anew when the files are renewed. */
  tls?: TlsMaterial
}

/** The first message to a worker of this generation. */
export function startMessage(generation: Generation, age: number, slot: number): Start {
  const { number, resolved } = generation
  return {
    type: 'start',
    age,
    generation: number,
    check: false,
    settings: workerSettings(resolved),
    listeners: inheritedListeners(generation),
    scoreboard: { fd: firstInherited, slot },
    ...workerHooks(resolved),
    ...(resolved.owner === undefined ? {} : { identity: resolved.owner }),
    ...(generation.tls === undefined ? {} : { tls: generation.tls }),
  }
}

export function workerSettings(resolved: Resolved): WorkerSettings {
  const { settings } = resolved
  return {
    app: settings.app as string,
    name: processName(settings),
    raw_env: settings.raw_env,
    loglevel: settings.loglevel,
    accesslog: accessLogOf(resolved),
    access_log_format: settings.access_log_format,
    keepalive: settings.keepalive,
    backlog: settings.backlog,
    graceful_timeout: settings.graceful_timeout,
    wait_ready: settings.wait_ready,
    ready_path: settings.ready_path,
    request_timeout: settings.request_timeout,
    max_requests: settings.max_requests,
    max_requests_jitter: settings.max_requests_jitter,
    max_worker_rss: settings.max_worker_rss,
    max_worker_lifetime: settings.max_worker_lifetime,
    max_worker_lifetime_jitter: settings.max_worker_lifetime_jitter,
    http_protocols: settings.http_protocols,
    http2_cleartext: settings.http2_cleartext,
    http2_max_concurrent_streams: settings.http2_max_concurrent_streams,
    http2_initial_window_size: settings.http2_initial_window_size,
    http2_max_frame_size: settings.http2_max_frame_size,
    http2_max_header_list_size: settings.http2_max_header_list_size,
  }
}

/** Where the error log goes: a path starts in the working folder of the workers, as that of the access log does. */
export function errorLogOf({ settings }: Resolved): string {
  const { errorlog, chdir } = settings
  return errorlog === '-' ? errorlog : resolve(chdir, errorlog)
}

/** Where the access log goes, in the same way; null where there is none. */
export function accessLogOf({ settings }: Resolved): string | null {
  const { accesslog, chdir } = settings
  return accesslog === null || accesslog === '-' ? accesslog : resolve(chdir, accesslog)
}

/** The name in process titles. */
export function processName({ proc_name, app }: Resolved['settings']): string {
  return proc_name ?? app ?? 'tsicorn'
}

/** Which hooks a worker has to import, and from where. */
export function workerHooks({ hooks, file, command }: Resolved): Pick<Start, 'hooks'> {
  const names = (Object.keys(hooks) as HookName[]).filter(name => hookTable[name].runs_in === 'worker')
  if (file === undefined || names.length === 0) return {}
  return { hooks: { file, names, command: command === 'check' || command === 'print' ? command : 'serve' } }
}

/** What a worker inherits besides the scoreboard, in this order. */
export function descriptorsOf({ listeners }: Pick<Generation, 'listeners'>): number[] {
  return listeners.flatMap(({ fd }) => (fd === undefined ? [] : [fd]))
}

/** `https://127.0.0.1:8000`: the name of a listener, by what this generation speaks on it. */
export function addressOf({ name }: Listener, { tls }: Pick<Generation, 'tls'>): string {
  return tls === undefined ? name : name.replace(/^http:/, 'https:')
}

/** The listeners as a worker finds them. */
export function inheritedListeners(generation: Pick<Generation, 'listeners' | 'tls'>): InheritedListener[] {
  const descriptors = descriptorsOf(generation)
  return generation.listeners.map(listener => {
    const { fd, host, port, path } = listener
    return {
      fd: fd === undefined ? -1 : firstInherited + 1 + descriptors.indexOf(fd),
      reuse_port: fd === undefined,
      name: addressOf(listener, generation),
      ...(host === undefined ? {} : { host }),
      ...(port === undefined ? {} : { port }),
      ...(path === undefined ? {} : { path }),
    }
  })
}
