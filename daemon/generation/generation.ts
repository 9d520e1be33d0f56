/** A generation of workers: its settings, its hooks, its listening sockets, and what its workers get of them. */
import type { Resolved } from '../../config/resolve/resolve.ts'
import { sentSettings } from '../../config/table.ts'
import { type HookName, hookTable } from '../../hooks/table.ts'
import { appPathOf, findAppFile } from '../../worker/protocol/app-file.ts'
import { firstInherited } from '../../worker/protocol/frame.ts'
import type {
  ErrorPage,
  InheritedListener,
  Start,
  TlsMaterial,
  WorkerSettings,
} from '../../worker/protocol/messages.ts'
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
  /** The app has other addresses at each start: they are left to its workers. */
  readonly isComplete: boolean
  /** Why there is no listener: another server has the default address, which the app may not even need. */
  readonly failure?: string
  /** The certificate and key that its workers serve with; replaced when the files are renewed. */
  tls?: TlsMaterial
  /** Forks the Python processes of its workers. */
  readonly forks?: Forks
  /** What its workers serve instead of the app. */
  readonly page?: ErrorPage
}

/** The fork server of a generation: see `daemon/forks`. */
export interface Forks {
  /** Where it listens. */
  readonly path: string
  /** It leaves. */
  close(): void
}

/**
 * A generation that shows an error at the addresses of another one; what could fail with the app, or belongs to its
 * requests alone, is left out.
 */
export function pageGeneration(base: Generation, number: number, page: ErrorPage): Generation {
  const { settings } = base.resolved
  const format = settings.access_log_format
  const own = {
    ...{ request_timeout: 0, max_requests: 0, ready_path: null, timeout_stack: false, boot_timeout: 60 },
    access_log_format: typeof format === 'function' ? 'json' : format,
    worker_class: 'async',
  } as const
  return {
    ...base,
    number,
    page,
    resolved: { ...base.resolved, settings: { ...settings, ...own }, hooks: {} },
  }
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
    ...(generation.page === undefined ? {} : { page: generation.page }),
    ...(generation.forks === undefined || generation.page ? {} : { forks: generation.forks.path }),
  }
}

/**
 * Only what runs in a worker of Node can say where it listens, and a worker that runs as another user must not get
 * addresses bound that it could not bind itself.
 */
export function mayBind({ resolved, listeners, isComplete }: Generation): boolean {
  return (
    resolved.settings.worker_class !== 'exec' &&
    resolved.owner === undefined &&
    !isComplete &&
    !listeners.some(({ key }) => key.startsWith(activatedPrefix))
  )
}

export function workerSettings({ settings, parsed }: Resolved): WorkerSettings {
  const { access_log_format: format } = settings
  return {
    ...sentSettings(settings),
    app: settings.app ?? parsed.name,
    name: parsed.name,
    accesslog: parsed.accesslog,
    access_log_format: typeof format === 'function' ? null : format,
    syslog: settings.disable_redirect_access_to_syslog ? null : parsed.syslog,
    statsd: parsed.statsd,
  }
}

/** The app's file; undefined if it is a package, not for Node, or if the worker has to report what is wrong. */
export function appFileOf({ app, chdir, worker_class }: Resolved['settings']): string | undefined {
  if (worker_class === 'wsgi') return undefined
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

/**
 * What a worker inherits besides the scoreboard, in order: each socket, and then each of them again. Each thread has
 * its own, because a descriptor that one of them closes is closed for all.
 */
export function descriptorsOf(generation: Pick<Generation, 'listeners' | 'resolved'>): number[] {
  const once = socketsOf(generation)
  const { worker_class, threads } = generation.resolved.settings
  const copies = worker_class === 'threads' ? 2 * threads : 2
  return Array.from({ length: copies }, () => once).flat()
}

/** The sockets of a program, with names as systemd has them: of an activated one its own, else the port or the path. */
export function programSockets({ listeners }: Pick<Generation, 'listeners'>) {
  return listeners.flatMap(({ fd, key, port, path }) => {
    const [, , given] = key.startsWith(activatedPrefix) ? key.split(':') : []
    const name = given ?? (path === undefined ? `${port ?? 'unknown'}` : path.replaceAll(':', '_'))
    return fd === undefined ? [] : [{ fd, name }]
  })
}

function socketsOf({ listeners }: Pick<Generation, 'listeners'>): number[] {
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
  const sockets = socketsOf(generation)
  return generation.listeners.map(listener => {
    const { fd, host, port, ipv6Only, path } = listener
    const inherited = fd === undefined ? -1 : firstInherited + 1 + sockets.indexOf(fd)
    return {
      fd: inherited,
      spare: fd === undefined ? -1 : inherited + sockets.length,
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
