/** Lines over a TCP or unix connection, which is reopened when it breaks. */
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import type { RemoteOptions } from './udp.ts'

/** How many characters may wait for a connection or a slow reader; lines beyond that are dropped, and counted. */
const maxWaiting = 1024 * 1024

/** Between two attempts to connect, in milliseconds. */
const retryMs = 1_000

/** How long the last lines may take, in milliseconds. */
const closeMs = 1_000

/** Sends lines to one address. Never throws. */
export class LineStream {
  readonly #target: NetConnectOpts
  readonly #options: RemoteOptions
  #socket: Socket
  #waiting = ''
  #lost = 0
  #failing = false
  #closing = false

  constructor(target: NetConnectOpts, options: RemoteOptions) {
    this.#target = target
    this.#options = options
    this.#socket = this.#connect()
  }

  /** Resolves after the first attempt to connect, with its error if it failed. */
  async attempted(): Promise<Error | undefined> {
    const socket = this.#socket
    if (!socket.connecting) return socket.errored ?? undefined
    return await new Promise(resolve =>
      socket.once('connect', () => resolve(undefined)).once('error', resolve),
    )
  }

  readonly send = (line: string): void => {
    if (this.#waiting.length + this.#socket.writableLength > maxWaiting) this.#drop()
    else if (this.#socket.readyState === 'open') this.#socket.write(`${line}\n`)
    else this.#waiting += `${line}\n`
  }

  #drop(): void {
    this.#lost += 1
    const { name, onTrouble } = this.#options
    // If it is not connected, that has been reported.
    if (this.#lost === 1 && !this.#failing)
      onTrouble(`Cannot send to ${name} as fast as lines come: what does not fit into memory is lost`)
  }

  readonly #tellLost = (): void => {
    if (this.#lost === 0) return
    const lost = this.#lost
    this.#lost = 0
    this.#options.onTrouble(`Sending to ${this.#options.name} works again: ${lost} lines were lost`)
  }

  async close(): Promise<void> {
    this.#closing = true
    const socket = this.#socket
    if (socket.destroyed) return
    await new Promise<void>(resolve => {
      const timer = setTimeout(() => socket.destroy(), closeMs)
      socket.once('close', () => {
        clearTimeout(timer)
        resolve()
      })
      const end = () => socket.end(() => socket.destroy())
      if (socket.connecting) socket.once('connect', end)
      else end()
    })
  }

  #connect(): Socket {
    const socket = connect(this.#target).unref()
    socket.once('connect', () => {
      const { name, onTrouble } = this.#options
      socket.write(this.#waiting)
      this.#waiting = ''
      const lost = this.#lost
      this.#lost = 0
      if (this.#failing) onTrouble(`Sending to ${name} works again: ${lost} lines were lost`)
      this.#failing = false
    })
    socket.on('error', (error: Error) => {
      const { name, onTrouble } = this.#options
      const isNews = !this.#failing
      this.#failing = true
      if (isNews)
        onTrouble(`Cannot send to ${name}: ${error.message}: lines wait in memory until it works again`)
    })
    socket.on('drain', this.#tellLost)
    // Without reading, the end of the connection goes unnoticed.
    socket.resume()
    socket.once('close', () => {
      if (this.#closing) return
      setTimeout(() => {
        if (!this.#closing) this.#socket = this.#connect()
      }, retryMs).unref()
    })
    return socket
  }
}
