/** Statsd metrics of each request. */
import type { StatsdTarget } from '../protocol/messages.ts'
import { Statsd } from '../sinks/statsd.ts'
import type { AccessSink } from './sink.ts'

/** Gunicorn's metrics; requests that could not be parsed are not counted. */
export function requestMetrics(target: StatsdTarget, onError: (message: string) => void): AccessSink {
  const statsd = new Statsd(target, onError)
  const statusNames = new Map<number, string>()
  const nameOf = (status: number) => {
    const name = statusNames.get(status) ?? `gunicorn.request.status.${status}`
    statusNames.set(status, name)
    return name
  }
  return {
    needs: { address: false, bytes: false, responseHeaders: false },
    write({ request, status, duration }) {
      if (request === undefined) return
      statsd.timing('gunicorn.request.duration', duration)
      statsd.increment('gunicorn.requests')
      statsd.increment(nameOf(status))
    },
    flush: statsd.flush,
    reopen: async () => undefined,
    close: () => statsd.close(),
  }
}
