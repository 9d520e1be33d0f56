/**
 * File descriptors are kept free, so that the worker can take the next connection, and the app can open its files.
 *
 * Where none is left, libuv closes every connection that waits in the queue of the kernel, and there is no way to stop accepting
 * without giving up the socket. So it does not come to that: near the limit, idle connections make room.
 */
import { readdirSync, readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import type { WorkerLog } from '../process/log.ts'
import { type Activity, isSilent } from './connection-state.ts'
import type { Connections } from './connections.ts'

/** Descriptors that connections do not get: a share of the limit, but so many at least. */
const reservedShare = 0.05
const leastReserved = 32

/** The fewest connections, whatever the app has open. */
const fewest = 16

/** What the app has open is counted again after so long, in milliseconds. */
const countMs = 1_000

/** Between two lines in the log, in milliseconds. */
const tellMs = 60_000

export class Descriptors {
  readonly #connections: Connections
  readonly #log: Pick<WorkerLog, 'warning'>
  #limit: number | undefined
  #others = 0
  #countedAt = Number.NEGATIVE_INFINITY
  #toldAt = Number.NEGATIVE_INFINITY
  #closed = 0
  /** Those that are closed soon, unless they ask for something. */
  readonly #doubtful = new Set<Socket>()

  constructor(connections: Connections, log: Pick<WorkerLog, 'warning'>) {
    this.#connections = connections
    this.#log = log
    // Until there are so many, nobody counts.
    connections.keepRoom(fewest, this.#makeRoom)
  }

  /** To be called about once a second. */
  look(): void {
    const { all } = this.#connections
    if (all > this.#connections.room / 2) this.#count()
    if (all <= this.#connections.room) this.#connections.crowd(false, this)
  }

  /** Called when there are more connections than there is room for. */
  readonly #makeRoom = (newest: Socket): void => {
    if (performance.now() - this.#countedAt > countMs) this.#count()
    const excess = this.#connections.all - this.#connections.room - this.#doubtful.size
    if (excess <= 0) return
    const all = dispensable(this.#connections.entries()).filter(
      ({ socket }) => socket !== newest && !this.#doubtful.has(socket),
    )
    // Several, so that they are not looked for at each new connection.
    const settled = all.filter(({ isSettled }) => isSettled).slice(0, excess + Math.ceil(this.#reserve / 8))
    const others = all.filter(({ isSettled }) => !isSettled).slice(0, Math.max(0, excess - settled.length))
    for (const { socket } of settled) this.#close(socket)
    // Where there is time for that, those that are silent may say first what waits in the kernel.
    const isPressing = excess > this.#reserve / 2
    for (const { socket, rank } of others) {
      if (isPressing || rank === rankLate) this.#close(socket)
      else void this.#closeUnlessAsked(socket)
    }
    const isFull = settled.length + others.length < excess
    if (isFull) {
      this.#connections.crowd(true, this)
      // What has sent its request by then is served, as long as there is a descriptor for it.
      setImmediate(() => this.#turnAway(newest))
    }
    this.#tell(isFull)
  }

  #close(socket: Socket): void {
    this.#closed += 1
    this.#connections.activityOf(socket)?.session?.destroy()
    socket.destroy()
  }

  /** The event loop polls at least once before. */
  async #closeUnlessAsked(socket: Socket): Promise<void> {
    this.#doubtful.add(socket)
    await turn()
    await turn()
    this.#doubtful.delete(socket)
    const activity = this.#connections.activityOf(socket)
    if (activity !== undefined && isIdle(activity) && rankOf(activity, socket) < rankLate) this.#close(socket)
  }

  #turnAway(socket: Socket): void {
    const { all, room } = this.#connections
    const isServed = (this.#connections.activityOf(socket)?.busy ?? 0) > 0
    if (all <= room || (isServed && all <= room + this.#reserve / 2)) return
    this.#close(socket)
  }

  get #reserve(): number {
    return Math.max(leastReserved, Math.ceil((this.#limit ?? 0) * reservedShare))
  }

  #count(): void {
    this.#countedAt = performance.now()
    this.#limit ??= limitOf()
    try {
      // One of them is the folder itself.
      this.#others = Math.max(0, readdirSync('/proc/self/fd').length - 1 - this.#connections.all)
    } catch {
      // There is none left for the folder either; elsewhere than on Linux there is no such folder, and no limit is known.
      this.#others = this.#limit - this.#connections.all
    }
    this.#connections.room = Math.max(fewest, this.#limit - this.#others - this.#reserve)
  }

  #tell(isFull: boolean): void {
    const now = performance.now()
    if (now - this.#toldAt < tellMs) return
    this.#toldAt = now
    const { all } = this.#connections
    const what = `${all} connections and ${this.#others} others of at most ${this.#limit}`
    const cure = isFull
      ? 'too many are busy, and new connections are closed'
      : 'the longest idle connections are closed'
    const before = this.#closed > 0 ? ` (${this.#closed} so far)` : ''
    this.#log.warning(`File descriptors run out (${what}): ${cure}${before}: raise the limit (ulimit -n)`)
  }
}

/** A client that has said nothing for so long, in milliseconds, is hardly about to. */
const settledMs = 1_000

interface Dispensable {
  readonly socket: Socket
  readonly rank: number
  readonly isSettled: boolean
}

/**
 * Whose client loses least comes first: those that never asked for anything, those that had their answers, and those on
 * which a request has begun to arrive; what happened just now comes after all of that, and the longest idle first.
 */
function dispensable(all: Iterable<[Socket, Activity]>): Dispensable[] {
  const now = performance.now()
  const found = Array.from(all)
    .filter(([, activity]) => isIdle(activity))
    .map(([socket, activity]) => {
      const { idleSince } = activity
      return { socket, idleSince, rank: rankOf(activity, socket), isSettled: now - idleSince >= settledMs }
    })
  return found.sort(
    (a, b) => Number(b.isSettled) - Number(a.isSettled) || a.rank - b.rank || a.idleSince - b.idleSince,
  )
}

function isIdle({ busy, streams }: Activity): boolean {
  return busy === 0 && streams.size === 0
}

function rankOf(activity: Activity, socket: Socket): number {
  const waits = activity.session !== undefined || isSilent(activity, socket)
  if (waits) return activity.response === undefined ? 0 : 1
  return rankLate
}

/** Of one on which a request has begun to arrive. */
const rankLate = 2

/** Node has raised it as far as it may, when it started. */
function limitOf(): number {
  try {
    const [, limit] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit)
  } catch {
    // Not Linux.
    return Number.POSITIVE_INFINITY
  }
}
