/** The access log of one worker: an entry for each request, when it is over. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { rejectionText } from '../http/rejection.ts'
import type { StatsdTarget } from '../protocol/messages.ts'
import { Exchange, type Needs, rejectionOutcome } from './exchange.ts'
import type { Entry } from './format.ts'
import type { LinesOptions } from './lines.ts'
import type { AccessSink } from './sink.ts'
import { UpgradedExchange } from './upgraded-exchange.ts'

/**
 * One line per request, written when its response has ended or its client has left.
 *
 * A client that left during a response is logged with the status that it was sent; one that left before any response,
 * with 499, as in nginx.
 */
export interface AccessLog {
  /** Call when a request arrives, before the app sees it, and when its response is finished or cut off. */
  readonly started: (req: IncomingMessage, res: ServerResponse) => void
  readonly ended: (req: IncomingMessage, res: ServerResponse) => void
  /**
   * Logs a request that was rejected before it could be parsed: it was malformed, or took too long. If the rejection
   * replaced a response, its status counts for the request of that response.
   */
  rejected(socket: Socket, status: number, response?: ServerResponse): void
  /** Call when a connection is upgraded, before the app sees it; it is logged when it ends. */
  upgraded(req: IncomingMessage, socket: Duplex): void
  /** Switches to the file that has the configured name now; resolves when all earlier lines are in the old one. */
  reopen(): Promise<void>
  /**
   * Logs unfinished requests as they are; resolves when all lines are written, or after `limit` milliseconds. Ignores
   * later ones.
   */
  close(limit?: number): Promise<void>
}

export interface AccessLogOptions extends LinesOptions {
  /** Also gets metrics of each request. */
  readonly statsd?: StatsdTarget | null
}

/** Opens the access log; rejects with one message for the user when the file or the format cannot be used. */
export async function openAccessLog(options: AccessLogOptions): Promise<AccessLog> {
  const sinks = await openSinks(options)
  const needs = combinedNeeds(sinks)
  const log = (entry: Entry) => {
    for (const sink of sinks) sink.write(entry)
  }
  const unfinished = new Map<ServerResponse, Exchange>()
  const end = (res: ServerResponse) => {
    const exchange = unfinished.get(res)
    if (exchange === undefined) return
    unfinished.delete(res)
    log(exchange.end())
  }
  const upgrades = new Map<Duplex, UpgradedExchange>()
  const endUpgrade = (socket: Duplex) => {
    const exchange = upgrades.get(socket)
    if (upgrades.delete(socket)) log((exchange as UpgradedExchange).end())
  }
  const endUnfinished = () => {
    for (const res of unfinished.keys()) end(res)
    for (const socket of upgrades.keys()) endUpgrade(socket)
  }
  const atExit = () => {
    endUnfinished()
    for (const sink of sinks) sink.flush()
  }
  // Before the listener that flushes the file.
  process.prependListener('exit', atExit)

  return {
    started(req, res) {
      unfinished.set(res, new Exchange(req, res, needs))
    },
    ended(_req, res) {
      end(res)
    },
    rejected(socket, status, response) {
      const exchange = (response && unfinished.get(response)) ?? upgrades.get(socket)
      if (exchange === undefined) log(rejectedEntry(socket, status))
      else exchange.reject(status)
    },
    upgraded(req, socket) {
      upgrades.set(socket, new UpgradedExchange(req, socket))
      socket.once('close', () => endUpgrade(socket))
    },
    async reopen() {
      await Promise.all(sinks.map(sink => sink.reopen()))
    },
    async close(limit) {
      endUnfinished()
      process.off('exit', atExit)
      await Promise.all(sinks.map(sink => sink.close(limit)))
    },
  }
}

async function openSinks(options: AccessLogOptions): Promise<AccessSink[]> {
  const { accesslog, syslog = null, statsd = null, onError } = options
  const sinks: AccessSink[] = []
  if (accesslog !== null || syslog !== null) {
    const { openLines } = await import('./lines.ts')
    sinks.push(await openLines(options))
  }
  if (statsd !== null) {
    const { requestMetrics } = await import('./metrics.ts')
    sinks.push(requestMetrics(statsd, onError))
  }
  return sinks
}

/** What at least one of them needs. */
function combinedNeeds(sinks: readonly AccessSink[]): Needs {
  const some = (what: keyof Needs) => sinks.some(({ needs }) => needs[what])
  return { address: some('address'), bytes: some('bytes'), responseHeaders: some('responseHeaders') }
}

function rejectedEntry(socket: Socket, status: number): Entry {
  return {
    remoteAddress: socket.remoteAddress ?? '',
    remotePort: socket.remotePort,
    status,
    outcome: rejectionOutcome(status),
    bytes: rejectionText(status).length,
    duration: 0,
    time: Date.now(),
    responseHeader: () => undefined,
  }
}
