/**
 * Evens out the connections of the workers, which share their sockets: an idle worker takes whatever comes, and the next
 * one nothing. A worker that has more than its share accepts nothing for a moment, so that the others do.
 *
 * There is no one who decides. Each worker reads on the scoreboard what the others have, and only when it has more
 * connections than a few. As at least one of them has no more than the mean, not all of them can pause.
 */
import type { Server } from 'node:net'
import { fieldIndex } from '../protocol/scoreboard.ts'
import { pauseAccepting, resumeAccepting } from './pausing.ts'

export interface BalanceOptions {
  /** Also pauses where requests are unevenly spread. */
  readonly byRequests: boolean
  /** The worker's own record. */
  readonly record: Float64Array
  /** What the workers have that accept, this one included; undefined where that cannot be read. */
  readonly readLoads: () => readonly Load[] | undefined
}

/** What one worker has. */
export interface Load {
  readonly connections: number
  readonly requests: number
}

/** Below this, a worker does not look what others have. */
const few = 16

/** How much more than the mean a worker may have: with less, short connections would wait for their worker's turn. */
const slack = 8
const slackShare = 0.1

/** How often a worker that pauses looks at the others, in milliseconds. */
const lookMs = 10

/**
 * How long a worker pauses at most before it takes another connection, in milliseconds: the others may be stuck, or may
 * have told a lie.
 */
const longestMs = 100

/** Over how long it is counted how many connections have closed, in milliseconds. */
const windowMs = 1_000

const connectionsField = fieldIndex('connections')
const requestsField = fieldIndex('requests_in_flight')

export class Balance {
  readonly #options: BalanceOptions
  readonly #servers = new Set<Server>()
  #mostConnections = few
  #mostRequests = few
  /** While it pauses. */
  #timer: NodeJS.Timeout | undefined
  #hasStopped = false
  #windowBegan = performance.now()
  #closedInWindow = 0
  #closedBefore = 0

  constructor(options: BalanceOptions) {
    this.#options = options
  }

  /** Call for each server that listens on an inherited socket. */
  add(server: Server): void {
    this.#servers.add(server)
    server.once('close', () => this.#servers.delete(server))
    if (this.#timer !== undefined) pauseAccepting(server)
  }

  /** Call when a connection is accepted, once it is counted. */
  opened(): void {
    if (this.#isOver()) this.#consider()
  }

  /** Call when a connection has closed, once it is not counted any more. */
  closed(): void {
    this.#closedInWindow += 1
    // What the others had may be long ago.
    if (this.#options.record[connectionsField]! < this.#mostConnections / 2) this.#mostConnections = few
  }

  /** Accepts for good. */
  stop(): void {
    this.#hasStopped = true
    this.#resume()
  }

  #isOver(byConnections = true): boolean {
    const { record, byRequests } = this.#options
    return (
      (byConnections && record[connectionsField]! >= this.#mostConnections) ||
      (byRequests && record[requestsField]! >= this.#mostRequests)
    )
  }

  #consider(): void {
    if (this.#timer !== undefined || this.#hasStopped || !this.#shouldPause()) return
    for (const server of this.#servers) pauseAccepting(server)
    // Referenced: a paused server alone does not keep the process alive.
    this.#look(performance.now() + longestMs)
  }

  /** Until it has no more than its share, or for the longest time. */
  #look(until: number): void {
    this.#timer = setTimeout(() => {
      if (performance.now() < until && this.#shouldPause()) this.#look(until)
      else this.#resume()
    }, lookMs)
  }

  #resume(): void {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const server of this.#servers) resumeAccepting(server)
  }

  #shouldPause(): boolean {
    const { byRequests, readLoads, record } = this.#options
    const byConnections = record[connectionsField]! >= few && !this.#areShort()
    if (!byConnections && !(byRequests && record[requestsField]! >= few)) return false
    const loads = readLoads()
    if (loads === undefined || loads.length < 2) return false
    this.#mostConnections = byConnections ? mostOf(loads.map(({ connections }) => connections)) : few
    this.#mostRequests = mostOf(loads.map(({ requests }) => requests))
    return this.#isOver(byConnections)
  }

  /** Whether connections last for less than about a second: those even out by themselves, and to pause costs time. */
  #areShort(): boolean {
    const now = performance.now()
    if (now - this.#windowBegan > windowMs) {
      this.#closedBefore = (this.#closedInWindow * windowMs) / (now - this.#windowBegan)
      this.#closedInWindow = 0
      this.#windowBegan = now
    }
    return Math.max(this.#closedInWindow, this.#closedBefore) > this.#options.record[connectionsField]!
  }
}

/** What a worker has at least that pauses. */
function mostOf(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return Math.max(few, Math.ceil(mean + Math.max(slack, mean * slackShare)))
}
