/** `node:net` of a simulated machine, as far as one binds with it. */

import { EventEmitter } from 'node:events'
import { isIP, isIPv4, isIPv6 } from 'node:net'
import { machine } from '../machine/machine.ts'
import { systemError } from '../machine/system-error.ts'

export { isIP, isIPv4, isIPv6 }

interface Address {
  readonly host: string
  readonly port: number
}

class BoundSocket {
  readonly #fd: number
  readonly #port: number

  constructor({ host, port }: Address) {
    this.#port = port
    this.#fd = machine().open({ kind: 'socket', socket: machine().network.bind(`${host}:${port}`) })
  }

  fd(): number {
    return this.#fd
  }

  address() {
    return { port: this.#port }
  }

  close(): void {
    machine().close(this.#fd)
  }
}

/** Finds out who listens. */
class Probe extends EventEmitter {
  listen({ host, port }: Address, listening: () => void): void {
    const isTaken = machine().network.isTaken(`${host}:${port}`)
    machine().tell(() => (isTaken ? this.emit('error', systemError('EADDRINUSE')) : listening()))
  }

  close(closed: () => void): void {
    machine().tell(closed)
  }
}

export default { BoundSocket, isIP, isIPv4, isIPv6, createServer: () => new Probe() }
