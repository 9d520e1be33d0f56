/** Loads the app, and finds out how to serve it. */
import type { Server } from 'node:net'
import { resolve } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import type { RequestListener, Servable, UpgradeListener } from '../http/types.ts'
import type { InterceptedServer, ListenOptions } from '../listen/claims.ts'
import { ListenInterceptor } from '../listen/listen-interceptor.ts'
import { keepSocketFiles } from '../listen/socket-files.ts'
import type { Usage } from '../process/heartbeat.ts'
import { whilePending } from '../process/pending.ts'
import { AppError, BindFailed } from '../protocol/boot-error.ts'
import type { ErrorPage, InheritedListener } from '../protocol/messages.ts'
import { hasMethods } from './adapters/members.ts'
import { isAppServer } from './adapters/server.ts'
import { acceptedShapes, describeValue } from './adapters/shape.ts'
import { candidates, type Exports, exported, listExports, namedExport } from './exports.ts'
import { refuseCluster, reportAppExit } from './guards.ts'
import { interceptReady } from './ready-message.ts'
import { resolveAppPath } from './resolve-path.ts'
import { callExport, noExport, servableOf } from './servable.ts'
import { type AppSpec, parseAppSpec } from './spec.ts'

export type { AppServer, RequestListener, UpgradeListener } from '../http/types.ts'
export { AppError, AppMissing, BindFailed } from '../protocol/boot-error.ts'

/** An app, ready to be served: either its own server or a listener. */
export interface LoadedApp {
  /** The kind of app, for the log: `Express application`, `fetch handler`, `http.Server`. */
  readonly shape: string
  /** The app's own server: exported, or intercepted when the app called `listen`; then it may be a plain one. */
  readonly server?: Server
  /** The servers of the app that already listen on inherited descriptors, one each. All of them must be drained. */
  readonly intercepted: readonly InterceptedServer[]
  /** Listeners that are left to servers of the app that listen later. */
  readonly awaited?: readonly InheritedListener[]
  readonly listener?: RequestListener
  readonly upgrade?: UpgradeListener
  /** Closes the app once the sockets are drained, then calls the module's `shutdown`; the caller limits how long. */
  readonly close?: () => Promise<void>
  /** What other processes that serve it use. */
  readonly usage?: () => Usage
  /** Called when the worker accepts no more connections. */
  readonly onDrain?: () => void
}

export interface LoadOptions extends ListenOptions {
  /** `path`, `path:export` or `path:factory(literals)`. */
  readonly spec: string
  /** The folder that paths are relative to, as written. */
  readonly cwd: string
  /** Why there is no listener, where the app may have one of its own. */
  readonly bindFailure?: string | undefined
  /** The app counts as loaded only after `process.send('ready')`, as with PM2. */
  readonly waitReady: boolean
  /** What is served instead. */
  readonly page?: ErrorPage
  /** Runs the module at this URL, once. */
  readonly run: (url: string) => Promise<Exports>
  /** Whether the process survives what the module throws. */
  readonly survives: () => boolean
}

/**
 * Runs the app and finds out how to serve it; called once in the life of a process.
 *
 * A server that listens on an inherited socket comes first, then the export named by the spec, then the default export,
 * then the conventional names.
 *
 * @throws AppError, AppMissing, BindFailed, and anything that the app itself throws
 */
export async function loadApp(options: LoadOptions): Promise<LoadedApp> {
  const { cwd, listeners, log, page } = options
  if (page !== undefined) {
    const { pageApp } = await import('../page/page.ts')
    return { ...(await pageApp(page, options.spec, cwd)), intercepted: [] }
  }
  const spec = parseAppSpec(options.spec)
  const url = resolveAppPath(spec.path, cwd)
  const { promise: refusal, reject: onRefused } = Promise.withResolvers<never>()
  const interceptor = new ListenInterceptor({ ...options, onRefused })
  refuseCluster(onRefused)
  keepSocketFiles(listeners.flatMap(({ path }) => (path === undefined ? [] : [resolve(path)])))
  const ready = interceptReady()
  const letExit = reportAppExit(spec.text, log, options.isLeaving)
  // As with plain Node, the app decides where to listen if nothing else is configured.
  if (options.bindFrom !== 'nobody') announcePort(listeners)
  const whileLoading = <T>(step: Promise<T>, otherwise: () => T) =>
    whilePending(Promise.race([step, refusal]), otherwise)
  try {
    const module = await whileLoading(options.run(url), () => {
      // It may await the end of its server, as in `await once(server, 'close')`.
      if (interceptor.isListening) return {}
      throw neverLoaded(spec)
    }).catch((error: unknown) => {
      if (interceptor.isListening && options.survives()) return {}
      throw error
    })
    // By then, servers that only looked for a free port are closed.
    await turn()
    const found = await whileLoading(findServable(module, spec, interceptor), () => {
      throw neverLoaded(spec)
    })
    const listens = found === undefined || interceptor.hasMain
    if (listens) {
      interceptor.unrefUnmatched()
      await whileLoading(interceptor.first, () => {
        throw bindFailed(options.bindFailure) ?? notServable(module, spec, interceptor.elsewhere, listeners)
      })
    }
    const checkListens = async () => {
      // As with plain Node, as long as something else goes on that may open another one.
      await whileLoading(interceptor.reopened(), () => undefined)
      interceptor.checkListens()
    }
    await checkListens()
    const isTaken = bindFailed(options.bindFailure)
    if (isTaken !== undefined) throw isTaken
    if (options.waitReady) {
      await whileLoading(ready, () => {
        throw neverReady(spec)
      })
      // It may have replaced its server meanwhile.
      await checkListens()
    }
    const main = listens ? listeningApp(interceptor.intercepted) : { ...found, ...upgradeOf(found, module) }
    return {
      ...main,
      intercepted: [...interceptor.intercepted],
      awaited: interceptor.awaited,
      ...closeOf(found, module),
    }
  } finally {
    letExit()
    interceptor.finish()
  }
}

/** Sets PORT, which apps that call `listen` read; one that is configured stays. */
function announcePort(listeners: readonly InheritedListener[]): void {
  const port = listeners.find(listener => listener.port !== undefined)?.port ?? listeners[0]?.path
  if (port !== undefined) process.env.PORT ||= String(port)
}

/** Once the app listens, nothing is created or called except what the spec itself calls. */
async function findServable(
  module: Exports,
  spec: AppSpec,
  interceptor: ListenInterceptor,
): Promise<Servable | undefined> {
  if (spec.name !== undefined) {
    const candidate = namedExport(module, spec, spec.name)
    if (spec.args !== undefined) return fromFactory(await callExport(candidate, spec.args, spec))
    if (interceptor.isProgram) return undefined
    const servable = await servableOf(candidate, spec)
    if (servable !== undefined) return fromFactory(servable)
    throw new AppError(
      `The app ${JSON.stringify(spec.text)} cannot be used: ${spec.name} is ${describeValue(candidate.value)}, and an app is ${acceptedShapes}`,
    )
  }
  for (const candidate of candidates(module)) {
    if (interceptor.isProgram) return undefined
    const servable = await servableOf(candidate, spec)
    if (servable !== undefined) return fromFactory(servable)
  }
  return undefined
}

/** A factory that returns nothing leaves nothing to serve, unless it started a server. */
function fromFactory(servable: Servable | typeof noExport): Servable | undefined {
  return servable === noExport ? undefined : servable
}

/** The error of an address that the arbiter could not bind and that turned out to be needed. */
function bindFailed(bindFailure: string | undefined): BindFailed | undefined {
  return bindFailure === undefined ? undefined : new BindFailed(bindFailure)
}

function listeningApp(intercepted: readonly InterceptedServer[]): Pick<LoadedApp, 'shape' | 'server'> {
  const chosen = intercepted.filter(({ listener }) => !listener.of_app)
  const main = chosen.length > 0 ? chosen : intercepted
  return {
    shape: 'server that the app told to listen',
    server: (main.find(({ server }) => isAppServer(server)) ?? main[0]!).server,
  }
}

/** Nitro and others export their WebSocket handler next to the request handler. */
function upgradeOf(servable: Servable | undefined, module: Exports): { readonly upgrade?: UpgradeListener } {
  if (servable?.listener === undefined) return {}
  const websocket = exported(module, 'websocket')
  const upgrade = hasMethods(websocket, 'handleUpgrade')
    ? websocket.handleUpgrade.bind(websocket)
    : (exported(module, 'handleUpgrade') ?? exported(module, 'upgrade'))
  return typeof upgrade === 'function' ? { upgrade: upgrade as UpgradeListener } : {}
}

function closeOf(servable: Servable | undefined, module: Exports): { readonly close?: () => Promise<void> } {
  const shutdown = exported(module, 'shutdown')
  const steps = [servable?.close, shutdown].filter(step => typeof step === 'function')
  if (steps.length === 0) return {}
  return {
    close: async () => {
      for (const step of steps) await step()
    },
  }
}

function notServable(
  module: Exports,
  spec: AppSpec,
  elsewhere: readonly string[],
  listeners: readonly InheritedListener[],
): AppError {
  const app = `The app ${JSON.stringify(spec.text)} cannot be used:`
  const bound = listeners.map(({ name }) => name).join(', ')
  const [unbound] = elsewhere
  if (unbound !== undefined) {
    const port = unbound.match(/^port (\d+)/)?.[1]
    const announced = process.env.PORT === undefined ? '' : `, which is ${process.env.PORT}`
    const bind = port === undefined ? `unix:${unbound}` : `127.0.0.1:${port}`
    return new AppError(
      `${app} it listens on ${unbound}, and tsicorn is bound to ${bound}: start tsicorn with -b ${bind}, or let the app listen on process.env.PORT${announced}`,
    )
  }
  const values = candidates(module).map(({ name, value }) => `${name} is ${describeValue(value)}`)
  const found = values.length === 0 ? '' : ` (${values.join(', ')})`
  return new AppError(
    `${app} it exports ${listExports(module)}${found} and does not listen on ${bound}: export ${acceptedShapes}`,
  )
}

function neverLoaded(spec: AppSpec): AppError {
  return new AppError(
    `The app ${JSON.stringify(spec.text)} never finished loading: it awaits what nothing will settle`,
  )
}

function neverReady(spec: AppSpec): AppError {
  return new AppError(
    `The app ${JSON.stringify(spec.text)} has not said that it is ready: wait_ready waits for process.send('ready')`,
  )
}
