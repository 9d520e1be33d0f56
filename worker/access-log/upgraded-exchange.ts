/** One upgraded request, as the access log sees it. */
import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Outcome } from '../../hooks/access-entry.ts'
import { rejectionText } from '../http/rejection.ts'
import { rejectionOutcome } from './exchange.ts'
import type { Entry } from './format.ts'

/** Measures an upgraded connection until it ends: the app writes its response to the raw socket. */
export class UpgradedExchange implements Entry {
  readonly request: IncomingMessage
  readonly remoteAddress: string
  readonly remotePort: number | undefined
  /** Until something is sent: the status of a client that left before. */
  status = 499
  outcome: Outcome = 'aborted'
  bytes = 0
  duration = 0
  time = 0
  readonly #socket: Duplex
  readonly #startedAt = performance.now()
  readonly #bytesBefore: number
  #rejection: number | undefined

  constructor(request: IncomingMessage, socket: Duplex) {
    this.request = request
    this.remoteAddress = request.socket.remoteAddress ?? ''
    this.remotePort = request.socket.remotePort
    this.#socket = socket
    this.#bytesBefore = this.#bytesWritten
    this.#readStatus()
  }

  /** Notes that this status is sent instead of the app's response. */
  reject(status: number): void {
    this.#rejection = status
  }

  end(): this {
    if (this.#rejection === undefined) this.bytes = this.#bytesWritten - this.#bytesBefore
    else {
      this.status = this.#rejection
      this.outcome = rejectionOutcome(this.#rejection)
      this.bytes = rejectionText(this.#rejection).length
    }
    this.duration = performance.now() - this.#startedAt
    this.time = Date.now()
    return this
  }

  responseHeader(): undefined {
    return undefined
  }

  get #bytesWritten(): number {
    return this.#socket instanceof Socket ? this.#socket.bytesWritten : 0
  }

  #readStatus(): void {
    const socket = this.#socket
    const { write, end } = socket
    const read = (first: unknown) => {
      Object.assign(socket, { write, end })
      const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(String(first).slice(0, 13)) ?? []
      if (status === undefined) return
      this.status = Number(status)
      this.outcome = 'ok'
    }
    socket.write = (...args: unknown[]) => {
      read(args[0])
      return Reflect.apply(write, socket, args) as boolean
    }
    // `end` does not call `write`.
    socket.end = (...args: unknown[]) => {
      read(args[0])
      return Reflect.apply(end, socket, args) as Duplex
    }
  }
}
