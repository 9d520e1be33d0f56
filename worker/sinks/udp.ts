import { createSocket, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'

export interface RemoteOptions {
  /** What messages call it: `syslog_addr "udp://localhost:514"`. */
  readonly name: string
  readonly onTrouble: (message: string) => void
}

/** While a name is looked up, in datagrams. */
const maxWaiting = 1_000

/** After a name could not be looked up, in milliseconds. */
const retryMs = 5_000

/** Trouble so long after the last one is news again, in milliseconds. */
const forgetMs = 60_000

/**
 * Datagrams to one address. Nothing is waited for and nothing thrown: what nobody receives is lost. Trouble is heard of,
 * because the socket is connected, but only once as long as it lasts.
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

  /** Resolves when what waits for the look-up of the name is sent, or cannot be. */
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
    // What listens on localhost may well do so on 127.0.0.1 alone.
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
    const isNews = now - this.#troubleAt > forgetMs
    this.#troubleAt = now
    const { name, onTrouble } = this.#options
    if (isNews) onTrouble(`Cannot send to ${name}: ${error.message}: what is sent meanwhile is lost`)
  }
}
