/** Datagrams to one address. */
import { createSocket, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'

export interface RemoteOptions {
  /** The name of the address in messages: `syslog_addr "udp://localhost:514"`. */
  readonly name: string
  readonly onTrouble: (message: string) => void
}

/** How many datagrams may wait while a name is looked up. */
const maxWaiting = 1_000

/** How long to wait after a failed look-up, in milliseconds. */
const retryMs = 5_000

/** An error is reported again this long after the last one, in milliseconds. */
const reportAgainMs = 60_000

/**
 * Sends datagrams. Never waits and never throws: datagrams without a receiver are lost. The socket is connected, so
 * errors are noticed; they are reported once as long as they last.
 */
export class Udp {
  readonly #host: string
  readonly #port: number
  readonly #options: RemoteOptions
  #socket: Socket | undefined
  #connecting: Promise<void> | undefined
  #waiting: string[] = []
  #retryAt = 0
  #troubleAt = Number.NEGATIVE_INFINITY

  constructor(host: string, port: number, options: RemoteOptions) {
    this.#host = host
    this.#port = port
    this.#options = options
    this.#connect()
  }

  readonly send = (text: string): void => {
    if (this.#socket !== undefined) return this.#socket.send(text, this.#sent)
    if (this.#waiting.length < maxWaiting) this.#waiting.push(text)
    if (performance.now() >= this.#retryAt) this.#connect()
  }

  /** Resolves when the datagrams that wait for the look-up are sent, or cannot be. */
  async close(): Promise<void> {
    await this.#connecting
    const socket = this.#socket
    this.#socket = undefined
    this.#retryAt = Number.POSITIVE_INFINITY
    if (socket !== undefined) await new Promise<void>(resolve => socket.close(resolve))
  }

  #connect(): void {
    this.#connecting ??= this.#open().then(
      socket => {
        this.#connecting = undefined
        this.#socket = socket
        for (const text of this.#waiting.splice(0)) this.send(text)
      },
      (error: Error) => {
        this.#connecting = undefined
        this.#waiting = []
        this.#retryAt = performance.now() + retryMs
        this.#sent(error)
      },
    )
  }

  async #open(): Promise<Socket> {
    // A service on localhost may listen on 127.0.0.1 alone.
    const { address, family } = await lookup(this.#host, { order: 'ipv4first' })
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4').unref()
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.connect(this.#port, address, () => resolve())
    })
    return socket.removeAllListeners('error').on('error', this.#sent)
  }

  readonly #sent = (error: Error | null): void => {
    if (error === null) return
    const now = performance.now()
    const isNews = now - this.#troubleAt > reportAgainMs
    this.#troubleAt = now
    const { name, onTrouble } = this.#options
    if (isNews) onTrouble(`Cannot send to ${name}: ${error.message}: what is sent meanwhile is lost`)
  }
}
