/**
 * Clients that do not read their answers: what waits for them is memory of this worker, and has limits in time and in size.
 *
 * Nothing is measured for each answer. All connections are looked at about once a second, and only those on which something
 * waits are kept in mind.
 */
import type { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { noteUnread } from '../http/unread.ts'
import { nameOf } from '../net/peer.ts'
import type { WorkerLog } from '../process/log.ts'
import type { WorkerSettings } from '../protocol/messages.ts'
import type { Activity } from './connection-state.ts'
import type { Connections } from './connections.ts'

type Limits = Pick<WorkerSettings, 'write_timeout' | 'limit_response_buffer'>

/** Bytes a second that count as reading. */
const leastRate = 100

/** What waits beyond the limit of size has to become less within so many milliseconds, and by so many bytes. */
const excessMs = 3_000
const leastLess = 65_536

/** So many times the limit is too much at once. */
const farTooMuch = 4

/** A connection on which something waits. */
interface Mark {
  /** Since when it is measured, and how much its client had taken by then. */
  since: number
  taken: number
  /** The same for what waits beyond the limit of size. */
  excessSince: number | undefined
  excess: number
}

export class SlowReaders {
  readonly #limits: Limits
  readonly #connections: Connections
  readonly #log: Pick<WorkerLog, 'warning'>
  #marks = new Map<Socket, Mark>()

  constructor(limits: Limits, connections: Connections, log: Pick<WorkerLog, 'warning'>) {
    this.#limits = limits
    this.#connections = connections
    this.#log = log
  }

  /** To be called about once a second. */
  look(): void {
    const { write_timeout, limit_response_buffer } = this.#limits
    if (write_timeout === 0 && limit_response_buffer === 0) return
    const now = performance.now()
    const marks = new Map<Socket, Mark>()
    const cut: [Socket, string][] = []
    for (const [socket, activity] of this.#connections.entries()) {
      if (activity.hasLeft) continue
      const { all, behind } = waitingOn(socket, activity)
      if (all === 0) continue
      const mark = this.#marks.get(socket) ?? newMark(now, socket)
      const why = this.#judge(mark, socket, behind, now)
      if (why === undefined) marks.set(socket, mark)
      else {
        cut.push([socket, why])
        end(socket, activity)
      }
    }
    this.#marks = marks
    const [first] = cut
    if (first === undefined) return
    // One line for all of them: they may be many.
    const others = cut.length > 1 ? ` and of ${cut.length - 1} others` : ''
    this.#log.warning(`Cut the connection of ${nameOf(first[0])}${others}: ${first[1]}`)
  }

  /** Says why the connection has to end. */
  #judge(mark: Mark, socket: Socket, behind: number, now: number): string | undefined {
    const { write_timeout: timeout, limit_response_buffer: limit } = this.#limits
    const taken = takenFrom(socket)
    if (taken - mark.taken >= leastRate * timeout) Object.assign(mark, { since: now, taken })
    else if (timeout > 0 && now - mark.since >= timeout * 1_000)
      return `the client does not read its answer (write_timeout, ${timeout} s)`
    const isExcess = limit > 0 && behind > limit
    const isLess = mark.excess - behind >= leastLess
    if (!isExcess) mark.excessSince = undefined
    else if (behind > limit * farTooMuch) return tooMuch
    else if (mark.excessSince === undefined || (isLess && now - mark.excessSince >= excessMs))
      Object.assign(mark, { excessSince: now, excess: behind })
    else if (now - mark.excessSince >= excessMs) return tooMuch
    return undefined
  }
}

const tooMuch = 'more than limit_response_buffer waits for the client to read'

function newMark(now: number, socket: Socket): Mark {
  return { since: now, taken: takenFrom(socket), excessSince: undefined, excess: 0 }
}

/** Bytes that nobody has taken yet; `behind` are those that do not belong to the largest piece that is on its way. */
function waitingOn(socket: Socket, { streams, queued }: Activity): { all: number; behind: number } {
  let all = socket.writableLength
  let piece = pieceOf(socket)
  for (const stream of streams) {
    all += stream.writableLength
    piece = Math.max(piece, pieceOf(stream))
  }
  // Answers to pipelined requests wait for the one before them.
  for (const response of queued ?? []) if (response.socket === null) all += response.writableLength
  return { all, behind: all - piece }
}

/** What was handed over in one go: how large that is, is up to the app. */
function pieceOf(stream: Writable): number {
  // Where Node does not say so any more, all of it counts.
  const { _writableState: state } = stream as Writable & {
    readonly _writableState?: { readonly writelen?: number }
  }
  return stream.writableLength === 0 ? 0 : (state?.writelen ?? 0)
}

interface Handle {
  readonly bytesWritten: number
  readonly writeQueueSize: number
}

type Handled = Socket & { readonly _handle?: Handle | null; readonly _parent?: Handled | null }

/**
 * Bytes that the kernel has taken, of one long piece as well, which Node says nowhere else: `setTimeout` of a socket goes by this
 * number, too. Those of the plain connection below TLS.
 */
function takenFrom(socket: Handled): number {
  const { _handle: handle, bytesWritten } = socket._parent ?? socket
  return handle ? handle.bytesWritten - handle.writeQueueSize : bytesWritten
}

function end(socket: Socket, { session, streams }: Activity): void {
  noteUnread(socket)
  for (const stream of streams) if (stream.writableLength > 0) noteUnread(stream)
  session?.destroy()
  socket.destroy()
}
