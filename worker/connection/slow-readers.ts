/**
 * Cuts clients that do not read their responses: unread data is memory of this worker, so it is limited in time and in
 * size.
 *
 * Nothing is measured per response. All connections are checked about once a second, and only those with unread data
 * are remembered.
 */
import { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { markStalled } from '../http/stalled.ts'
import { describePeer } from '../net/peer.ts'
import type { WorkerLog } from '../process/log.ts'
import type { WorkerSettings } from '../protocol/messages.ts'
import type { ConnectionState } from './connection-state.ts'
import type { Connections } from './connections.ts'

type Limits = Pick<WorkerSettings, 'write_timeout' | 'limit_response_buffer'>

/** The slowest rate that counts as reading, in bytes per second. */
const minBytesPerSecond = 100

/** Unread data beyond the size limit must shrink by this many bytes within this many milliseconds. */
const drainWindowMs = 3_000
const minDrainedBytes = 65_536

/** How many times the size limit is too much at once. */
const hardLimitFactor = 4

/** How a client with unread data is getting on. */
interface Progress {
  /** When the measurement began, and how many bytes the client had taken by then. */
  since: number
  taken: number
  /** The same for unread data beyond the size limit. */
  excessSince: number | undefined
  excess: number
}

export class SlowReaders {
  readonly #limits: Limits
  readonly #connections: Connections
  readonly #log: Pick<WorkerLog, 'warning'>
  #progress = new Map<Socket, Progress>()

  constructor(limits: Limits, connections: Connections, log: Pick<WorkerLog, 'warning'>) {
    this.#limits = limits
    this.#connections = connections
    this.#log = log
  }

  /** Call about once a second. */
  check(): void {
    const { write_timeout, limit_response_buffer } = this.#limits
    if (write_timeout === 0 && limit_response_buffer === 0) return
    const now = performance.now()
    const remembered = new Map<Socket, Progress>()
    const cut: [Socket, string][] = []
    for (const [socket, state] of this.#connections.entries()) {
      // Of a stream that the app has put around a connection, it cannot be said what the client has read.
      if (state.isUpgraded || !(socket instanceof Socket)) continue
      const { all, behind } = pendingBytes(socket, state)
      if (all === 0) continue
      const progress = this.#progress.get(socket) ?? startProgress(now, socket)
      const why = this.#whyTooSlow(progress, socket, behind, now)
      if (why === undefined) remembered.set(socket, progress)
      else {
        cut.push([socket, why])
        cutStalled(socket, state)
      }
    }
    this.#progress = remembered
    const [first] = cut
    if (first === undefined) return
    // One line for all of them, because there may be many.
    const others = cut.length > 1 ? ` and of ${cut.length - 1} others` : ''
    this.#log.warning(`Cut the connection of ${describePeer(first[0])}${others}: ${first[1]}`)
  }

  /** Why the connection must end, if it must. */
  #whyTooSlow(progress: Progress, socket: Socket, behind: number, now: number): string | undefined {
    const { write_timeout: timeout, limit_response_buffer: limit } = this.#limits
    const taken = bytesTakenBy(socket)
    if (taken - progress.taken >= minBytesPerSecond * timeout) Object.assign(progress, { since: now, taken })
    else if (timeout > 0 && now - progress.since >= timeout * 1_000)
      return `the client does not read its answer (write_timeout, ${timeout} s)`
    const isExcess = limit > 0 && behind > limit
    const isLess = progress.excess - behind >= minDrainedBytes
    if (!isExcess) progress.excessSince = undefined
    else if (behind > limit * hardLimitFactor) return tooMuch
    else if (progress.excessSince === undefined || (isLess && now - progress.excessSince >= drainWindowMs))
      Object.assign(progress, { excessSince: now, excess: behind })
    else if (now - progress.excessSince >= drainWindowMs) return tooMuch
    return undefined
  }
}

const tooMuch = 'more than limit_response_buffer waits for the client to read'

function startProgress(now: number, socket: Socket): Progress {
  return { since: now, taken: bytesTakenBy(socket), excessSince: undefined, excess: 0 }
}

/** Unread bytes; `behind` leaves out the largest single write that is on its way. */
function pendingBytes(socket: Socket, { streams, queued }: ConnectionState): { all: number; behind: number } {
  let all = socket.writableLength
  let piece = currentWrite(socket)
  for (const stream of streams) {
    all += stream.writableLength
    piece = Math.max(piece, currentWrite(stream))
  }
  // Responses to pipelined requests wait for the one before them.
  for (const response of queued ?? []) if (response.socket === null) all += response.writableLength
  return { all, behind: all - piece }
}

/** The bytes of the write in progress: how much is written at once is up to the app. */
function currentWrite(stream: Writable): number {
  // If a later Node no longer has this field, all of it counts.
  const { _writableState: state } = stream as Writable & {
    readonly _writableState?: { readonly writelen?: number }
  }
  return stream.writableLength === 0 ? 0 : (state?.writelen ?? 0)
}

interface Handle {
  readonly bytesWritten: number
  readonly writeQueueSize: number
}

type SocketInternals = Socket & {
  readonly _handle?: Handle | null
  readonly _parent?: SocketInternals | null
}

/**
 * The bytes that the kernel has taken, even of an unfinished write, measured below TLS. Node has no public number for
 * this; its own `socket.setTimeout` uses the same one.
 */
function bytesTakenBy(socket: SocketInternals): number {
  const { _handle: handle, bytesWritten } = socket._parent ?? socket
  return handle ? handle.bytesWritten - handle.writeQueueSize : bytesWritten
}

function cutStalled(socket: Socket, { session, streams }: ConnectionState): void {
  markStalled(socket)
  for (const stream of streams) if (stream.writableLength > 0) markStalled(stream)
  session?.destroy()
  socket.destroy()
}
