import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Outcome } from '../hooks/access-entry.ts'
import type { Entry } from './access-format.ts'

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

  constructor(request: IncomingMessage, socket: Duplex) {
    this.request = request
    this.remoteAddress = request.socket.remoteAddress ?? ''
    this.remotePort = request.socket.remotePort
    this.#socket = socket
    this.#before = this.#written
    this.#readStatus()
  }

  end(): this {
    this.bytes = this.#written - this.#before
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
    const { write } = socket
    socket.write = (...args: unknown[]) => {
      socket.write = write
      const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(String(args[0]).slice(0, 13)) ?? []
      if (status !== undefined) {
        this.status = Number(status)
        this.outcome = 'ok'
      }
      return Reflect.apply(write, socket, args) as boolean
    }
  }
}
