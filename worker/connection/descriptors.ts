/**
 * Keeps file descriptors free, so that the worker can accept the next connection and the app can open its files.
 *
 * When none is left, libuv closes every connection in the kernel's queue, and there is no way to stop accepting without
 * giving up the socket. To prevent that, idle connections are closed near the limit.
 */
import { readdirSync, readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import type { WorkerLog } from '../process/log.ts'
import { type ConnectionState, hasNoNewBytes } from './connection-state.ts'
import type { Connections } from './connections.ts'

/** The part of the limit that connections never get, and the fewest descriptors of that. */
const reservedFraction = 0.05
const minReserved = 32

/** How many connections fit at least, whatever the app has open. */
const minConnections = 16

/** How often the descriptors of the app are counted, in milliseconds. */
const countIntervalMs = 1_000

/** The least time between two log lines, in milliseconds. */
const logIntervalMs = 60_000

export class DescriptorGuard {
  readonly #connections: Connections
  readonly #log: Pick<WorkerLog, 'warning'>
  #limit: number | undefined
  #otherDescriptors = 0
  #countedAt = Number.NEGATIVE_INFINITY
  #loggedAt = Number.NEGATIVE_INFINITY
  #closed = 0
  /** Connections that are closed soon, unless they send a request. */
  readonly #closingSoon = new Set<Socket>()

  constructor(connections: Connections, log: Pick<WorkerLog, 'warning'>) {
    this.#connections = connections
    this.#log = log
    // Nothing is counted below that number.
    connections.setCapacity(minConnections, this.#makeRoom)
  }

  /** Call about once a second. */
  check(): void {
    const { total } = this.#connections
    if (total > this.#connections.capacity / 2) this.#count()
    if (total <= this.#connections.capacity) this.#connections.setAtCapacity(false, this)
  }

  /** Called when there are more connections than fit. */
  readonly #makeRoom = (newest: Socket): void => {
    if (performance.now() - this.#countedAt > countIntervalMs) this.#count()
    const excess = this.#connections.total - this.#connections.capacity - this.#closingSoon.size
    if (excess <= 0) return
    const all = closeCandidates(this.#connections.entries()).filter(
      ({ socket }) => socket !== newest && !this.#closingSoon.has(socket),
    )
    // Several at a time, so that each new connection need not search again.
    const quiet = all.filter(({ isQuiet }) => isQuiet).slice(0, excess + Math.ceil(this.#reserve / 8))
    const others = all.filter(({ isQuiet }) => !isQuiet).slice(0, Math.max(0, excess - quiet.length))
    for (const { socket } of quiet) this.#close(socket)
    // If there is time, first read what their clients may have sent: it waits in the kernel.
    const isPressing = excess > (this.#reserve * 3) / 4
    for (const { socket, rank } of others) {
      if (isPressing || rank === rankRequestArriving) this.#close(socket)
      else void this.#closeUnlessRequested(socket)
    }
    const isFull = quiet.length + others.length < excess
    if (isFull) {
      this.#connections.setAtCapacity(true, this)
      // A client that has sent its request by then is served, as long as there is a descriptor.
      setImmediate(() => this.#closeOverCapacity(newest))
    }
    this.#logPressure(isFull)
  }

  #close(socket: Socket): void {
    this.#closed += 1
    this.#connections.stateOf(socket)?.session?.destroy()
    socket.destroy()
  }

  /** Lets the event loop poll at least once before it closes the connection; if it was used meanwhile, another one goes. */
  async #closeUnlessRequested(socket: Socket): Promise<void> {
    const idleSince = this.#connections.stateOf(socket)?.idleSince
    this.#closingSoon.add(socket)
    await turn()
    await turn()
    this.#closingSoon.delete(socket)
    const state = this.#connections.stateOf(socket)
    if (state === undefined) return
    const isUsed = !isIdle(state) || state.idleSince !== idleSince
    if (isUsed || closingRank(state, socket) === rankRequestArriving) this.#makeRoom(socket)
    else this.#close(socket)
  }

  #closeOverCapacity(socket: Socket): void {
    const { total, capacity } = this.#connections
    const isServed = (this.#connections.stateOf(socket)?.activeRequests ?? 0) > 0
    if (total <= capacity || (isServed && total <= capacity + this.#reserve / 2)) return
    this.#close(socket)
  }

  get #reserve(): number {
    return Math.max(minReserved, Math.ceil((this.#limit ?? 0) * reservedFraction))
  }

  #count(): void {
    this.#countedAt = performance.now()
    this.#limit ??= descriptorLimit()
    try {
      // One of them is the open folder itself.
      this.#otherDescriptors = Math.max(0, readdirSync('/proc/self/fd').length - 1 - this.#connections.total)
    } catch {
      // No descriptor is left for the folder either. On other systems than Linux there is no such folder, and no known
      // limit.
      this.#otherDescriptors = this.#limit - this.#connections.total
    }
    this.#connections.capacity = Math.max(
      minConnections,
      this.#limit - this.#otherDescriptors - this.#reserve,
    )
  }

  #logPressure(isFull: boolean): void {
    const now = performance.now()
    if (now - this.#loggedAt < logIntervalMs) return
    this.#loggedAt = now
    const { total } = this.#connections
    const what = `${total} connections and ${this.#otherDescriptors} others of at most ${this.#limit}`
    const cure = isFull
      ? 'too many are busy, and new connections are closed'
      : 'the longest idle connections are closed'
    const before = this.#closed > 0 ? ` (${this.#closed} so far)` : ''
    this.#log.warning(`File descriptors run out (${what}): ${cure}${before}: raise the limit (ulimit -n)`)
  }
}

/** A client that has sent nothing for this long, in milliseconds, is unlikely to be about to. */
const quietMs = 1_000

interface Candidate {
  readonly socket: Socket
  readonly rank: number
  readonly isQuiet: boolean
}

/**
 * The idle connections, those whose clients lose least first: without any request so far, with all responses sent, with
 * a request that has begun to arrive. Recently active ones come after all of these, and the longest idle come first.
 */
function closeCandidates(all: Iterable<[Socket, ConnectionState]>): Candidate[] {
  const now = performance.now()
  const found = Array.from(all)
    .filter(([, state]) => isIdle(state))
    .map(([socket, state]) => {
      const { idleSince } = state
      return {
        socket,
        idleSince,
        rank: closingRank(state, socket),
        isQuiet: now - idleSince >= quietMs,
      }
    })
  return found.sort(
    (a, b) => Number(b.isQuiet) - Number(a.isQuiet) || a.rank - b.rank || a.idleSince - b.idleSince,
  )
}

function isIdle({ activeRequests, streams }: ConnectionState): boolean {
  return activeRequests === 0 && streams.size === 0
}

function closingRank(state: ConnectionState, socket: Socket): number {
  const isQuiet = state.session !== undefined || hasNoNewBytes(state, socket)
  if (isQuiet) return state.newestResponse === undefined ? 0 : 1
  return rankRequestArriving
}

/** The rank of a connection on which a request has begun to arrive. */
const rankRequestArriving = 2

/** The soft limit, which Node raises to the hard limit when it starts. */
function descriptorLimit(): number {
  try {
    const [, limit] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit)
  } catch {
    // Not Linux.
    return Number.POSITIVE_INFINITY
  }
}
