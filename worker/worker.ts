/** A worker: boots in a fixed order, serves, and leaves when it is told to, or when its arbiter is gone. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { AccessLine } from '../hooks/access-entry.ts'
import { createHookCaller, type HookCaller } from '../hooks/run.ts'
import type { ServerInfo, WorkerState, WorkerView } from '../hooks/table.ts'
import { stackOf } from '../hooks/thrown.ts'
import type { AccessLog } from './access-log/access-log.ts'
import type { LoadedApp } from './app/load.ts'
import { EarlyServers } from './app-servers/early-servers.ts'
import { LateServers } from './app-servers/late-servers.ts'
import { prepareEarly } from './app-servers/on-listen.ts'
import { PlainServers } from './app-servers/plain-servers.ts'
import { Connections } from './connection/connections.ts'
import { LazyTransport } from './connection/lazy-transport.ts'
import { importHooks } from './import-hooks.ts'
import { flushMs, Leaving, lastLinesMs, minLeaveMs } from './leaving.ts'
import { load } from './load.ts'
import { tellAppMetrics } from './process/app-metrics.ts'
import { shutDown } from './process/app-shutdown.ts'
import { tellArbiter } from './process/arbiter-channel.ts'
import { accountVariables, applyEnvironment, mountVariable, setTitle } from './process/environment.ts'
import { startHeartbeat } from './process/heartbeat.ts'
import { createLog, type WorkerLog } from './process/log.ts'
import { exitCodes } from './protocol/exit-codes.ts'
import { type DrainOrder, type InheritedListener, requestsKey, type Start } from './protocol/messages.ts'
import { everySecond } from './server/every-second.ts'
import { type Accepting, finish } from './server/idle.ts'
import type { Serving } from './server/serve.ts'
import { listenerFilterFor, type ServiceOptions, startService } from './server/service.ts'

export class Worker {
  readonly transport: LazyTransport
  readonly #start: Start
  readonly #log: WorkerLog
  readonly #connections: Connections
  readonly #arbiter = process.ppid
  /** How it leaves where the arbiter does not say how. */
  readonly #usual: DrainOrder
  #state: WorkerState = 'booting'
  #hooks: HookCaller
  #app: LoadedApp | undefined
  /** Pending until the worker serves. */
  #starting: Promise<void> | undefined
  #serving: Serving | undefined
  readonly #early: EarlyServers
  readonly #plain: PlainServers
  readonly #late: LateServers
  #accessLog: AccessLog | undefined
  #lineFormat: string | AccessLine | null
  #announced = false
  #hasHeartbeat = false
  readonly #leaving = new Leaving()

  constructor(start: Start) {
    this.#start = start
    this.#usual = { seconds: start.settings.graceful_timeout, abandoned: [] }
    this.#lineFormat = start.settings.access_log_format
    this.#log = createLog(start.settings.loglevel)
    this.#connections = new Connections({ keepAlive: start.settings.keepalive > 0 })
    this.#late = new LateServers(start.listeners)
    this.#early = new EarlyServers(this.#connections)
    this.#plain = new PlainServers(this.#connections, this.#early)
    this.transport = new LazyTransport(start, this.#connections, this.#log)
    this.#hooks = createHookCaller({}, this.#log)
    Object.assign(globalThis, { [Symbol.for(requestsKey)]: () => this.#connections.requests() })
  }

  /** It was told to leave, and begins to listen nowhere any more: its app may still be loading. */
  get isLeaving(): boolean {
    return this.#leaving.hasBegun
  }

  /** Its app still loads, and has begun to serve. */
  get mayFinish(): boolean {
    return this.#state === 'booting' && this.#early.size > 0
  }

  /** Everything from the process title to `ready`. Rejects with the error that prevents it. */
  async boot(): Promise<void> {
    const { settings, check, identity, watchdog } = this.#start
    setTitle(check ? 'check' : 'worker', settings.name)
    tellArbiter({ type: 'booting' })
    if (watchdog !== undefined) await (await import('./process/watchdog.ts')).startWatchdog(watchdog)
    const { hooks, access_log_format } = await importHooks(this.#start.hooks)
    this.#hooks = createHookCaller(hooks, this.#log)
    this.#lineFormat ??= access_log_format
    // When the process exits in another way, as far as it is synchronous.
    process.once('exit', () => void this.#hooks.tell('worker_exit', this.#server, this.#view))
    await this.#hooks.call('post_fork', this.#server, this.#view)
    const transport = await this.transport.open(this.#hooks)
    const listenerFilter = await listenerFilterFor(settings, this.#connections, this.#log)
    applyEnvironment([...accountVariables(identity), ...mountVariable(settings), ...settings.raw_env])
    if (identity !== undefined) await (await import('./process/privileges.ts')).becomeUser(identity)
    const parts = { connections: this.#connections, early: this.#early, plain: this.#plain }
    const app = await load(this.#start, {
      log: this.#log,
      late: this.#late,
      onListen: prepareEarly({ ...parts, listenerFilter, transport }),
      isLeaving: () => this.isLeaving,
      onTimeout: () => this.#connections.count('timeouts'),
      onLost: why => this.#crashed(why),
    })
    this.#app = app
    if (this.isLeaving) return
    this.#log.debug(`The app is a ${app.shape}`)
    await this.#hooks.call('post_worker_init', this.#view)
    if (this.isLeaving) return
    if (!check) {
      this.#starting = this.#serve(app, { transport, listenerFilter })
      await this.#starting
    }
    if (this.isLeaving) return
    this.#state = 'ready'
    this.#sayReady()
    if (check) await this.#leave(exitCodes.ok.code)
  }

  #sayReady(): void {
    if (this.#hasHeartbeat) return
    this.#hasHeartbeat = true
    startHeartbeat({
      ...this.#start.scoreboard,
      age: this.#start.age,
      record: this.#connections.record,
      usage: this.#app?.usage,
      onOrphaned: () => this.orphaned(),
      onSecond: everySecond(this.#start.settings, this.#connections, this.#log),
      onTrouble: this.#log.error,
    })
    tellArbiter({ type: 'ready' })
  }

  async #serve(app: LoadedApp, filters: Pick<ServiceOptions, 'transport' | 'listenerFilter'>): Promise<void> {
    const { serving, accessLog } = await startService(app, {
      ...this.#start,
      connections: this.#connections,
      hooks: this.#hooks,
      ...filters,
      plain: this.#plain,
      log: this.#log,
      worker: () => this.#view,
      lineFormat: this.#lineFormat ?? 'json',
      isReady: () => this.#state === 'ready' && !this.#announced,
      onClosed: listener => void this.#appClosed(listener),
    })
    this.#serving = serving
    this.#late.serve(serving)
    this.#accessLog = accessLog
  }

  /** The server is going to stop: from now on `ready_path` answers 503. */
  announce(): void {
    this.#announced = true
  }

  /** Finishes open requests and leaves; connections that are open after `seconds` are cut. */
  async drain(order: DrainOrder): Promise<void> {
    if (this.#state === 'draining') return
    if (this.#serving === undefined) return await this.cancel(order)
    this.#state = 'draining'
    await this.#leave(exitCodes.ok.code, await this.#finish(this.#serving, order))
  }

  /** Leaves at once, but finishes connections accepted since it began to listen; without an order, as usual. */
  async cancel(order?: DrainOrder): Promise<void> {
    await this.#starting?.catch(() => undefined)
    if (this.#serving !== undefined) return await this.drain(order ?? this.#usual)
    // The arbiter waits longer for one that drains, or says that it serves, as long as it shows heartbeats.
    const isAwaited = order !== undefined || this.#early.size > 0
    if (isAwaited) this.#sayReady()
    if (!this.#leaving.proceed('told')) return
    const until = await this.#finish(this.#early, order ?? this.#usual)
    await this.#leave(exitCodes.ok.code, isAwaited ? until : 0)
  }

  /** It cannot boot: finishes what servers of the app have accepted meanwhile. */
  async giveUp(): Promise<void> {
    this.#leaving.proceed('told')
    await this.#finish(this.#early, this.#usual)
  }

  async #finish(servers: Accepting, order: DrainOrder): Promise<number> {
    this.#late.descriptors.close()
    return await finish(servers, this.#connections, order, { log: this.#log, graceful: this.#usual.seconds })
  }

  /** Leaves without waiting for requests. */
  async quit(): Promise<void> {
    if (!this.#leaving.proceed('quitting')) return
    if (this.#state === 'ready' || this.#state === 'draining')
      await this.#hooks.tell('worker_int', this.#view)
    await this.#leave(exitCodes.ok.code)
  }

  async abort(): Promise<void> {
    await this.#hooks.tell('worker_abort', this.#view)
    await this.#leave(exitCodes.failed.code)
  }

  /** The arbiter is gone: no other process accepts from the sockets, so the worker empties their queues and leaves. */
  orphaned(): void {
    // The arbiter may have been the reader of these pipes, and a broken pipe must not end a drain.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
    void this.drain({ ...this.#usual, abandoned: this.#start.listeners.map(({ fd }) => fd) })
  }

  async #appClosed(listener: InheritedListener | undefined): Promise<void> {
    if ((await this.#late.reopens(listener)) || this.#state === 'draining') return
    this.#crashed('the app closed its server')
  }

  #crashed(why: string): void {
    tellArbiter({ type: 'crashed', why })
    void this.drain(this.#usual)
  }

  async reopen(): Promise<void> {
    await this.#accessLog?.reopen()
  }

  /** Every orderly exit; the app has a moment at least, or until `end` of `performance.now()`, and may set `exitCode`. */
  async #leave(code: number, end = 0): Promise<void> {
    if (!this.#leaving.proceed('ending')) return
    process.exitCode = code
    const limit = Math.max(minLeaveMs, end - performance.now())
    const until = performance.now() + limit
    setTimeout(() => process.exit(code), limit).unref()
    // Lines that wait for a full disk may take as long as requests, but must leave time to report their loss.
    const written = this.#accessLog?.close(Math.max(0, limit - lastLinesMs))
    await Promise.race([written, sleep(flushMs, undefined, { ref: false })])
    await shutDown(Math.max(0, until - lastLinesMs - performance.now()), this.#log)
    await this.#early.close()
    await this.#serving?.close()
    await this.#app?.close?.().catch(error => this.#log.error(`Closing the app failed: ${stackOf(error)}`))
    await Promise.all([written, this.#start.settings.app_metrics && tellAppMetrics(0, this.#log)])
    const exitHook = this.#hooks
    this.#hooks = createHookCaller({}, this.#log)
    await exitHook.tell('worker_exit', this.#server, this.#view)
    process.exit(code || process.exitCode)
  }

  get #server(): ServerInfo {
    return { pid: this.#arbiter, proc_name: this.#start.settings.name, log: this.#log }
  }

  get #view(): WorkerView {
    const { age, generation, index, place } = this.#start
    return { pid: process.pid, age, generation, index, ...place, state: this.#state, log: this.#log }
  }
}
