/** Feeds syslog and statsd from the arbiter: its log, and metrics of the whole server. */
import { isDeepStrictEqual } from 'node:util'
import type { Parsed } from '../../config/resolve/parsed.ts'
import type { Resolved } from '../../config/resolve/resolve.ts'
import type { LogLevel } from '../../worker/protocol/messages.ts'
import type { Statsd } from '../../worker/sinks/statsd.ts'
import type { Syslog } from '../../worker/sinks/syslog.ts'
import { followBacklog } from '../sockets/backlog.ts'
import type { Listener } from '../sockets/sockets.ts'

/** The receivers. */
type Targets = Pick<Parsed, 'syslog' | 'statsd'>

/** The generation whose queues are measured. */
interface Followed {
  readonly resolved: Resolved
  readonly listeners: readonly Listener[]
}

export class Outlets {
  readonly #onTrouble: (message: string) => void
  #targets: Targets = { syslog: null, statsd: null }
  #syslog: Syslog | undefined
  #statsd: Statsd | undefined
  #workers = -1
  #stopMeasuring: () => void = () => undefined

  constructor(onTrouble: (message: string) => void) {
    this.#onTrouble = onTrouble
  }

  /** Switches to these targets; rejects, and keeps the old ones, if syslog cannot be sent to. */
  async use(targets: Targets): Promise<void> {
    const { syslog, statsd } = targets
    const before = this.#targets
    if (!isDeepStrictEqual(syslog, before.syslog)) {
      const old = this.#syslog
      this.#syslog =
        syslog === null
          ? undefined
          : await (await import('../../worker/sinks/syslog.ts')).openSyslog(syslog, this.#onTrouble)
      void old?.close()
    }
    if (!isDeepStrictEqual(statsd, before.statsd)) {
      void this.#statsd?.close()
      this.#statsd =
        statsd === null
          ? undefined
          : new (await import('../../worker/sinks/statsd.ts')).Statsd(statsd, this.#onTrouble)
      this.#workers = -1
    }
    this.#targets = { syslog, statsd }
  }

  /** Forwards a line of the error log. */
  readonly line = (level: LogLevel, message: string, pid: number): void => {
    this.#syslog?.send('error', level, message, pid)
    if (level === 'warning' || level === 'error' || level === 'critical') {
      this.#statsd?.increment(`gunicorn.log.${level}`)
    }
  }

  /** Reports how many workers are alive. */
  count(workers: number): void {
    if (this.#statsd === undefined || workers === this.#workers) return
    this.#workers = workers
    this.#statsd.gauge('gunicorn.workers', workers)
  }

  /** Measures the queues of this generation from now on, if the metric is enabled. */
  follow({ resolved, listeners }: Followed): void {
    this.#stopMeasuring()
    const { statsd_host, enable_backlog_metric } = resolved.settings
    if (statsd_host === null || !enable_backlog_metric) return
    const measured = (waiting: number | undefined) => {
      if (waiting !== undefined) this.#statsd?.histogram('gunicorn.backlog', waiting)
    }
    this.#stopMeasuring = followBacklog(listeners, measured, ({ message }) =>
      this.#onTrouble(`Cannot measure the backlog: ${message}`),
    )
  }

  /** Resolves when everything is sent, or after about a second. */
  async close(): Promise<void> {
    this.#stopMeasuring()
    await Promise.all([this.#syslog?.close(), this.#statsd?.close()])
  }
}
