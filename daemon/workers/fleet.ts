/** The workers of the arbiter: starts them, carries out the plan's actions, and reaps those that exited. */
import type { HookQueue } from '../../hooks/queue.ts'
import type { ServerView, WorkerView } from '../../hooks/table.ts'
import type { FromWorker, ToWorker } from '../../worker/protocol/messages.ts'
import { monotonicNow } from '../../worker/protocol/scoreboard.ts'
import { type Generation, inheritedListeners } from '../generation/generation.ts'
import { limitsOf, patienceOf } from '../generation/limits.ts'
import type { ErrorLog } from '../logs/error-log.ts'
import type { Journal } from '../logs/journal.ts'
import type { Listener } from '../sockets/sockets.ts'
import type { KillReason, Limits } from '../state/deadlines.ts'
import { isLeaving } from '../state/worker-state.ts'
import { watchOutOfMemory } from '../system/oom.ts'
import { type ExitKind, killReasons, reportExit } from './exit-report.ts'
import { launch } from './launch.ts'
import type { Scoreboard } from './scoreboard.ts'
import { killStuck } from './stuck.ts'
import type { Totals } from './totals.ts'
import { Child, type ChildEvent } from './worker-handle.ts'

export interface FleetParts {
  readonly put: (event: ChildEvent) => void
  readonly log: ErrorLog
  readonly journal: Journal
  readonly scoreboard: Scoreboard
  readonly totals: Totals
  readonly hooks: HookQueue
  /** The base environment of workers. */
  readonly env: NodeJS.ProcessEnv
  readonly view: () => ServerView
  /** Whether another arbiter, or the generation being prepared, will accept the connections queued there. */
  readonly isAwaited: (listener: Listener) => boolean
}

export class Fleet {
  readonly #parts: FleetParts
  readonly #children = new Map<number, Child>()
  readonly #generations = new Map<number, Generation>()
  readonly #ranOutOfMemory = watchOutOfMemory()
  /** A worker has found out that Node alone cannot load the app. */
  needsTsx = false
  #age = 0

  constructor(parts: FleetParts) {
    this.#parts = parts
  }

  /** All workers that are not reaped yet, oldest first. */
  get workers(): readonly Child[] {
    return [...this.#children.values()]
  }

  /** The generations that still have serving workers. */
  get serving(): readonly Generation[] {
    const numbers = new Set(
      this.workers.filter(({ state }) => !isLeaving(state)).map(({ generation }) => generation),
    )
    return [...this.#generations.values()].filter(({ number }) => numbers.has(number))
  }

  limitsOf(generation: number): Limits {
    return limitsOf(this.#generations.get(generation) as Generation)
  }

  /** Whether the workers of that generation show an error instead of the app. */
  showsError(generation: number): boolean {
    return this.#generations.get(generation)?.page !== undefined
  }

  /** Those that serve the app. */
  get ready(): readonly Child[] {
    return this.workers.filter(({ state, generation }) => state === 'ready' && !this.showsError(generation))
  }

  spawn(generation: Generation, index: number): void {
    this.#age += 1
    const place = { age: this.#age, generation: generation.number, index }
    const child = new Child(place, monotonicNow(), this.#parts.put)
    const { app } = this.#parts.totals
    if (app !== undefined) child.hearMetrics = (text, done) => app.hear({ age: child.age, text, done })
    this.#children.set(child.age, child)
    this.#generations.set(generation.number, generation)
    launch(child, generation, { ...this.#parts, tsx: this.needsTsx })
  }

  /** Handles a message from a worker; `current` is the wanted generation. */
  onMessage(child: Child, message: FromWorker, current: Generation | undefined): void {
    const { log, journal } = this.#parts
    const now = monotonicNow()
    switch (message.type) {
      case 'booting':
        return void child.become('booting', now)
      case 'ready':
        if (child.become('ready', now)) {
          log.debug(`Worker ${child.label} is ready`)
          journal.note({ type: 'worker ready', worker: child.name })
        }
        // It was cancelled, but serves already.
        else if (child.state === 'cancelled') child.become('draining', now)
        return
      case 'failed':
        if (child.state !== 'spawned' && child.state !== 'booting') return
        child.failure = message
        // It has from now on as long as any other worker to finish what it has accepted.
        child.since = now
        return
      case 'crashed':
        child.reason ??= message.why
        child.stack ??= message.stack
        return
      case 'recycle':
        log.info(`Worker ${child.label} asks for a successor: ${message.why}`)
        return child.recycle(message.why)
      case 'leaving':
        return this.drain(child.age, message.why, current)
      case 'log':
        return log.write(message.level, message.message, child.pid)
    }
  }

  /**
   * Asks a worker to finish. Abandons listeners that neither the current generation nor another serving worker has: all
   * of them if there is no current generation, and none while another arbiter continues to serve on them.
   */
  drain(age: number, why: string, current: Generation | undefined): void {
    const child = this.#children.get(age)
    const generation = child && this.#generations.get(child.generation)
    if (child === undefined || generation === undefined || isLeaving(child.state)) return
    child.become('draining', monotonicNow())
    child.reason ??= why
    this.#parts.journal.note({ type: 'worker leaving', worker: child.name, why: child.reason })
    const goingOn = current === undefined ? [] : [current, ...this.serving]
    const kept = new Set(goingOn.flatMap(({ listeners }) => listeners.map(({ name }) => name)))
    const isAbandoned = (listener: Listener) => !kept.has(listener.name) && !this.#parts.isAwaited(listener)
    const left = inheritedListeners(generation).filter((_, index) =>
      isAbandoned(generation.listeners[index] as Listener),
    )
    const seconds = patienceOf(generation, current)
    child.send({ type: 'drain', seconds, abandoned: left.map(({ fd }) => fd) })
  }

  /** Tells a worker to leave at once. */
  quit(age: number, how: 'cancelled' | 'quitting'): void {
    const child = this.#children.get(age)
    if (child === undefined) return
    child.reason ??= 'told to leave at once'
    child.leave(monotonicNow(), how)
  }

  kill(age: number, why: KillReason): void {
    const child = this.#children.get(age)
    if (child === undefined) return
    child.reason = killReasons[why]
    child.killed = true
    const { log, hooks } = this.#parts
    if (why === 'timeout' || why === 'boot_timeout') {
      const mayFail = why === 'boot_timeout'
      if (mayFail) child.send({ type: 'give up', why: `The app is ${child.reason}` })
      const hasStack = this.#generations.get(child.generation)?.resolved.settings.timeout_stack === true
      const readHeartbeats = () => this.readHeartbeats()
      void killStuck(child, {
        log,
        mayFail,
        hasStack,
        readHeartbeats,
        abort: view => hooks.tell('worker_abort', view),
      })
    } else {
      log.warning(`Killing worker ${child.label}: ${child.reason}`)
      child.kill()
    }
  }

  /** Tells all workers, or those of one generation. */
  tell(message: ToWorker, generation?: number): void {
    for (const child of this.#children.values())
      if (generation === undefined || child.generation === generation) child.send(message)
  }

  /** Removes a worker that exited, and classifies its exit; `quietly` keeps repeated exits out of the log. */
  reap(
    child: Child,
    { proven, quietly }: { readonly proven: boolean; readonly quietly: boolean },
  ): { readonly kind: ExitKind; readonly served: number; readonly text: string } {
    const { log, journal, hooks, scoreboard, totals, view } = this.#parts
    const now = monotonicNow()
    const record = scoreboard.read().get(child.age)
    const outOfMemory = child.ending?.signal === 'SIGKILL' && this.#ranOutOfMemory()
    const { kind, served, level, text } = reportExit(child, { now, record, outOfMemory, proven })
    child.become('exited', now)
    this.#children.delete(child.age)
    // One that could not be killed may go on, and its record with it.
    if (!child.isAbandoned) {
      totals.end(child.age, record)
      if (child.seat !== undefined) scoreboard.give(child.seat)
    }
    if (!this.workers.some(({ generation }) => generation === child.generation)) {
      this.#generations.delete(child.generation)
    }
    const isNews = !quietly || kind === 'expected' || kind === 'crash' || served > 0
    log.write(isNews ? level : 'debug', text)
    journal.note({ type: 'worker exited', worker: child.name, kind, text })
    hooks.tell('child_exit', view(), this.view(child))
    return { kind, served, text }
  }

  /** Copies the heartbeats from the scoreboard. */
  readHeartbeats(): void {
    const records = this.#parts.scoreboard.read()
    if (this.#parts.scoreboard.isUnreadable) return this.resetHeartbeats()
    for (const child of this.#children.values()) {
      child.heartbeat = Math.max(child.heartbeat, records.get(child.age)?.heartbeat ?? 0)
    }
  }

  /** Counts every worker as alive now: without the scoreboard, no worker can be called late. */
  resetHeartbeats(): void {
    for (const child of this.#children.values()) child.heartbeat = monotonicNow()
  }

  /** Restarts all deadlines: the arbiter, or the whole machine, was suspended. */
  resetDeadlines(): void {
    this.resetHeartbeats()
    for (const child of this.#children.values()) child.since = child.heartbeat
  }

  view(child: Child): WorkerView {
    return child.view(this.#parts.log)
  }
}
