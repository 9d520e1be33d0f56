/**
 * The arbiter's end of the channel to a worker. Whatever a worker writes, and however much, costs the arbiter a bounded
 * share of time and memory; lines that are no messages are dropped and counted.
 */
import type { Socket } from 'node:net'
import { frame, longestFrame } from '../../worker/protocol/frame.ts'
import { type FromWorker, leaveOrders, type ToWorker } from '../../worker/protocol/messages.ts'
import { TokenBucket } from '../system/token-bucket.ts'
import { LineBudget } from './line-budget.ts'
import { readMessage } from './worker-message.ts'

export interface ChannelListeners {
  hear(message: FromWorker): void
  /** See `LinkListeners`. */
  hearMetrics?(text: string, done: (isMessage: boolean) => void): void
  /** The worker misbehaves; the text follows its name. */
  complain(text: string): void
  /** The worker has closed its end. */
  lost(): void
}

/** How many bytes are read from one worker, at once and per second; beyond that, the worker has to wait. */
const readAtOnce = 4 * 1024 * 1024
const readPerSecond = 4 * 1024 * 1024

/** The cost of a line besides its bytes, and the extra cost of an invalid one, for which an error is created. */
const lineCost = 128
const errorCost = 4_096

/** How many bytes may wait for a worker that does not read; beyond that, only orders to leave are added. */
const mostWaiting = 1024 * 1024

/** A buffer for lines that is larger is given up after a line, in bytes. */
const keptBytes = 1_024

const lineEnd = 0x0a

/** How messages about metrics begin: they are long, and there may be many at a time. */
const metricsStart = Buffer.from('{"type":"metrics"')

export class WorkerChannel {
  readonly #socket: Socket
  readonly #listeners: ChannelListeners
  readonly #bytes = new TokenBucket(readAtOnce, readPerSecond)
  readonly #lines: LineBudget
  /** The messages that it has sent and that count only once. */
  readonly #said = new Set<FromWorker['type']>()
  /** The line that has begun; one longer than a frame is skipped. */
  #begun = Buffer.alloc(0)
  #length = 0
  #invalid = 0
  /** How many messages about metrics have not been read yet: until then, no more are taken. */
  #unread = 0
  #pause: NodeJS.Timeout | undefined
  #isEnding = false
  #isClosed = false

  constructor(socket: Socket, listeners: ChannelListeners) {
    this.#socket = socket
    this.#listeners = listeners
    this.#lines = new LineBudget('logs', text => listeners.complain(text))
    socket.on('data', (bytes: Buffer) => this.#read(bytes))
    // `close` follows it.
    socket.on('error', () => undefined)
    socket.once('close', () => {
      if (!this.#isClosed) listeners.lost()
    })
  }

  get isOpen(): boolean {
    return this.#socket.writable
  }

  send(message: ToWorker): void {
    const mayWait = leaveOrders.includes(message.type)
    if (!this.isOpen || (this.#socket.writableLength > mostWaiting && !mayWait)) return
    this.#socket.write(frame(message))
  }

  /** The process has ended: its last messages are read without delay. */
  finish(): void {
    this.#isEnding = true
    clearTimeout(this.#pause)
    this.#socket.resume()
  }

  close(): void {
    this.#isEnding = true
    this.#isClosed = true
    clearTimeout(this.#pause)
    this.#socket.destroy()
    this.#lines.report()
    if (this.#invalid > 1) this.#listeners.complain(`wrote ${this.#invalid} lines that are no messages`)
  }

  #read(bytes: Buffer): void {
    let start = 0
    let lines = 0
    const invalid = this.#invalid
    for (let end = bytes.indexOf(lineEnd); end !== -1; end = bytes.indexOf(lineEnd, start)) {
      this.#keep(bytes, start, end)
      this.#endLine()
      start = end + 1
      lines += 1
    }
    this.#keep(bytes, start, bytes.length)
    const errors = this.#invalid - invalid
    const wait = this.#bytes.spend(bytes.length + lines * lineCost + errors * errorCost)
    if (this.#isEnding) return
    if (wait > 0 || this.#unread > 0) this.#socket.pause()
    if (wait > 0)
      this.#pause = setTimeout(() => {
        this.#pause = undefined
        this.#goOn()
      }, wait)
  }

  #goOn(): void {
    if (this.#pause === undefined && this.#unread === 0) this.#socket.resume()
  }

  /** Collects the pieces of a line in one buffer: a buffer per piece would cost more than a small one holds. */
  #keep(bytes: Buffer, start: number, end: number): void {
    const length = this.#length + end - start
    if (length <= longestFrame && start < end) {
      if (length > this.#begun.length) {
        const larger = Buffer.alloc(Math.min(longestFrame, Math.max(1_024, 2 * length)))
        this.#begun.copy(larger, 0, 0, this.#length)
        this.#begun = larger
      }
      bytes.copy(this.#begun, this.#length, start, end)
    }
    this.#length = length
  }

  #endLine(): void {
    const length = this.#length
    this.#length = 0
    if (length === 0) return
    if (length <= longestFrame && this.#begun.subarray(0, metricsStart.length).equals(metricsStart))
      return this.#endMetrics(length)
    const message = length > longestFrame ? undefined : readMessage(this.#begun.toString('utf8', 0, length))
    if (this.#begun.length > keptBytes) this.#begun = Buffer.alloc(0)
    if (message === undefined) return this.#refuse()
    if (message.type === 'log') {
      if (this.#lines.take(message.message.length)) this.#listeners.hear(message)
      return
    }
    if (this.#said.has(message.type)) return
    this.#said.add(message.type)
    this.#listeners.hear(message)
  }

  #endMetrics(length: number): void {
    const text = this.#begun.toString('utf8', 0, length)
    this.#begun = Buffer.alloc(0)
    if (this.#listeners.hearMetrics === undefined) return
    this.#unread += 1
    this.#listeners.hearMetrics(text, isMessage => {
      this.#unread -= 1
      if (!isMessage) this.#refuse()
      this.#goOn()
    })
  }

  #refuse(): void {
    this.#invalid += 1
    if (this.#invalid === 1)
      this.#listeners.complain(
        'writes what is no message to its descriptor 3: it is dropped, and what follows is too',
      )
  }
}
