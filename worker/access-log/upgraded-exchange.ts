import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Outcome } from '../../hooks/access-entry.ts'
import { refusalText } from '../http/rejection.ts'
import { refusalOutcome } from './exchange.ts'
import type { Entry } from './format.ts'

/** A request whose connection left HTTP, measured until that ends: the app writes its answer to the bare socket. */
export class UpgradedExchange implements Entry {
  readonly request: IncomingMessage
  readonly remoteAddress: string
  readonly remotePort: number | undefined
  /** As for a client that left before anything was sent, until something is. */
  status = 499
  outcome: Outcome = 'aborted'
  bytes = 0
  duration = 0
  time = 0
  readonly #socket: Duplex
  readonly #began = performance.now()
  readonly #before: number
  #refusal: number | undefined

  constructor(request: IncomingMessage, socket: Duplex) {
    this.request = request
    this.remoteAddress = request.socket.remoteAddress ?? ''
    this.remotePort = request.socket.remotePort
    this.#socket = socket
    this.#before = this.#written
    this.#readStatus()
  }

  /** This status is sent in the place of the app's answer. */
  refuse(status: number): void {
    this.#refusal = status
  }

  end(): this {
    if (this.#refusal === undefined) this.bytes = this.#written - this.#before
    else {
      this.status = this.#refusal
      this.outcome = refusalOutcome(this.#refusal)
      this.bytes = refusalText(this.#refusal).length
    }
    this.duration = performance.now() - this.#began
    this.time = Date.now()
    return this
  }

  responseHeader = (): undefined => undefined

  get #written(): number {
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
    // What is given to `end` goes past `write`.
    socket.end = (...args: unknown[]) => {
      read(args[0])
      return Reflect.apply(end, socket, args) as Duplex
    }
  }
}
