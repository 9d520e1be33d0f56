/**
 * Gives requests to the Python host, replaces a host that has ended or is stuck, and lets no request wait for ever.
 *
 * The worker and its connections stay: requests that no thread has begun go to the next host.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../hooks/thrown.ts'
import type { WorkerLog } from '../process/log.ts'
import type { HostProcess } from '../python/host-process.ts'
import { fail, failLate } from './answer.ts'
import { Host, type HostParts } from './host.ts'
import { isLate, type Job, nameOf } from './job.ts'

export interface DispatcherOptions extends Omit<HostParts, 'onRoom'> {
  readonly log: WorkerLog
  readonly start: () => Promise<HostProcess>
  /** Seconds in which the app has to begin an answer; 0 is no limit. */
  readonly limit: number
  /** The setting that says so. */
  readonly limitName: string
  /** Seconds that a request may wait for a thread; 0 is no limit. */
  readonly waitLimit: number
  /** Seconds that a host which is replaced has for the requests of its other threads. */
  readonly graceful: number
  /** A request took too long. */
  readonly onTimeout: () => void
  /** No host can be started any more. */
  readonly onLost: (why: string) => void
}

/** The pause before another host after one that answered nothing, in milliseconds; doubled each time, up to the most. */
const pauseMs = 250
const mostPauseMs = 30_000

export class Dispatcher {
  readonly #options: DispatcherOptions
  readonly #waiting = new Set<Job>()
  readonly #hosts = new Set<Host>()
  #host: Host | undefined
  #starting: HostProcess | undefined
  #isClosed = false
  #pause = 0
  #check: NodeJS.Timeout | undefined

  constructor(options: DispatcherOptions) {
    this.#options = options
  }

  /** The processes that belong to this worker. */
  get processes(): readonly HostProcess[] {
    return [...[...this.#hosts].map(host => host.process), ...(this.#starting ? [this.#starting] : [])]
  }

  /** The share of threads that serve, from 0 to 1. */
  get busy(): number {
    return this.#host?.busy ?? 1
  }

  /** Rejects with what keeps the app from being loaded. */
  async open(): Promise<void> {
    this.#use(await this.#boot())
    const { limit, waitLimit } = this.#options
    const shortest = Math.min(limit || Infinity, waitLimit || Infinity)
    if (shortest === Infinity) return
    const every = Math.min(1_000, Math.max(50, (shortest * 1_000) / 4))
    this.#check = setInterval(() => this.#watch(), every).unref()
  }

  submit(job: Job): void {
    if (this.#waiting.size === 0 && this.#host?.hasRoom) this.#host.take(job)
    else this.#waiting.add(job)
  }

  /** The response is over, whichever way it ended. */
  ended(job: Job): void {
    // What has arrived of a body that nobody has read must not block the next request.
    if (job.body === undefined) job.req.resume()
    if (job.isDone || job.isGone) return
    if (this.#waiting.delete(job)) {
      job.isGone = true
      return
    }
    this.#hostOf(job)?.abandon(job)
    this.#killUnawaited()
  }

  /** Ends the hosts, whose requests are all answered. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#check)
    this.#starting?.kill()
    for (const host of this.#hosts) {
      if (host.isRetired || host.isLost) host.process.kill()
      else host.process.end()
    }
    await Promise.all(this.processes.map(one => one.ended))
  }

  async #boot(): Promise<Host> {
    const hostProcess = await this.#options.start()
    if (this.#isClosed) hostProcess.kill()
    this.#starting = hostProcess
    try {
      await hostProcess.ready
    } finally {
      this.#starting = undefined
    }
    const host = new Host(hostProcess, { ...this.#options, onRoom: () => this.#flush() })
    this.#hosts.add(host)
    void hostProcess.ended.then(how => this.#bury(host, how))
    return host
  }

  #use(host: Host): void {
    this.#host = host
    this.#flush()
  }

  #flush(): void {
    for (const job of this.#waiting) {
      if (!this.#host?.hasRoom) break
      this.#waiting.delete(job)
      this.#host.take(job)
    }
    this.#killUnawaited()
  }

  #hostOf(job: Job): Host | undefined {
    return [...this.#hosts].find(host => [...host.jobs].includes(job))
  }

  #bury(host: Host, how: string): void {
    this.#hosts.delete(host)
    if (this.#isClosed) return
    const { log, idHeader } = this.#options
    const { lost, unbegun } = host.bury()
    const waited = lost.filter(({ isGone }) => !isGone)
    if (!host.isRetired) {
      const costs = waited.length === 0 ? '' : `, and with it ${waited.map(nameOf).join(', ')}`
      log.error(`The Python process ${host.process.pid} ${how}${costs}: starting another one`)
    }
    for (const job of lost) job.isDone = true
    for (const { res } of waited) fail(res, 502, idHeader)
    const again = unbegun.filter(({ isGone }) => !isGone)
    const others = [...this.#waiting]
    this.#waiting.clear()
    for (const job of [...again, ...others]) this.#waiting.add(job)
    if (this.#host === host) {
      this.#host = undefined
      this.#pause = host.hasAnswered ? 0 : Math.min(mostPauseMs, this.#pause * 2 || pauseMs)
      void this.#replace()
    } else this.#flush()
  }

  async #replace(): Promise<void> {
    try {
      if (this.#pause > 0) await sleep(this.#pause, undefined, { ref: false })
      if (this.#isClosed) return
      const host = await this.#boot()
      if (this.#isClosed) host.process.end()
      else this.#use(host)
    } catch (error) {
      if (this.#isClosed) return
      this.#options.onLost(`another Python process could not be started: ${messageOf(error)}`)
      for (const { res } of this.#waiting) fail(res, 503, this.#options.idHeader)
      this.#waiting.clear()
    }
  }

  /** Requests that wait for a thread, here or in the queue of the host. */
  get #unbegun(): readonly Job[] {
    const waiting = [...this.#waiting, ...(this.#host?.unbegun ?? [])]
    return waiting.filter(({ isGone }) => !isGone)
  }

  /** Lets a host go that is no use any more. */
  #killUnawaited(): void {
    for (const host of this.#hosts) if (host.isRetired && !host.isAwaited) host.process.kill()
  }

  #watch(): void {
    const { limit, waitLimit, limitName, onTimeout, log } = this.#options
    const now = performance.now()
    for (const job of this.#unbegun) {
      if (waitLimit === 0 || now - job.receivedAt < waitLimit * 1_000) continue
      this.#waiting.delete(job)
      job.isGone = true
      onTimeout()
      log.warning(`${nameOf(job)} waited longer than request_timeout (${waitLimit} s) for a thread`)
      failLate(job.res, 503)
    }
    if (limit === 0) return
    for (const host of this.#hosts) {
      if (host.isExamined) continue
      const late = [...host.jobs].filter(job => isLate(job, now - limit * 1_000))
      const ofClients = late.filter(({ upload }) => upload?.isAwaited === true)
      for (const job of ofClients) this.#giveUpClient(host, job)
      const ofApp = late.filter(job => !ofClients.includes(job))
      const isLong = ({ receivedAt }: Job) => now - receivedAt > limit * 1_000
      const isFull = host === this.#host && host.isLost && this.#unbegun.some(isLong)
      if (ofApp.length === 0 && !isFull) continue
      const what =
        ofApp.length > 0
          ? `${ofApp.map(nameOf).join(', ')} was not answered within ${limitName} (${limit} s)`
          : `All threads have requests whose clients have left, for longer than ${limitName} (${limit} s)`
      for (const job of ofApp) job.since = 0
      void this.#expire(host, ofApp, what)
    }
  }

  /** The app waits for the rest of a body, for too long. */
  #giveUpClient(host: Host, job: Job): void {
    const { log, limitName, limit } = this.#options
    log.warning(`The rest of the body of ${nameOf(job)} did not arrive within ${limitName} (${limit} s)`)
    host.abandon(job)
    failLate(job.res, 408)
  }

  /** Python cannot be made to give a request up: another host takes over, and this one is killed when it is idle. */
  async #expire(host: Host, jobs: readonly Job[], what: string): Promise<void> {
    const { log, graceful, onTimeout } = this.#options
    host.isExamined = true
    const stacks = await host.process.stacks()
    host.isExamined = false
    // They may have got their answers meanwhile.
    if (jobs.length > 0 && jobs.every(({ isDone, isGone }) => isDone || isGone)) return
    const isFirst = !host.isRetired
    const outcome = isFirst ? ': another one takes over' : ''
    log.error(
      `${what} by the Python process ${host.process.pid}${outcome}; its threads:\n${stacks || 'unknown'}`,
    )
    for (const job of jobs) {
      if (job.isDone || job.isGone) continue
      onTimeout()
      host.abandon(job)
      failLate(job.res, 504)
    }
    if (!isFirst) return this.#killUnawaited()
    host.isRetired = true
    setTimeout(() => host.process.kill(), graceful * 1_000).unref()
    if (this.#host === host) {
      this.#host = undefined
      this.#pause = 0
      void this.#replace()
    }
    this.#killUnawaited()
  }
}
