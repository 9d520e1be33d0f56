/** The listening sockets of a simulated machine, their queues, and the clients. */
import type { Random } from '../../attack/random.ts'
import type { Clock } from './clock.ts'
import { systemError } from './system-error.ts'

/** What a network needs of its machine. */
export interface Surroundings {
  readonly clock: Clock
  readonly random: Random
  readonly faults: ReadonlySet<string>
  note(text: string): void
  violate(rule: string, text: string): void
}

/** Somebody who accepts connections. */
export interface Acceptor {
  /** It takes connections now. */
  readonly isAccepting: boolean
  /** It was told to leave. */
  readonly isTold?: boolean
  readonly sockets: ReadonlySet<ListeningSocket>
  accept(client: Client): void
}

/** One request on a connection of its own. */
export class Client {
  readonly number: number
  /** How long its answer takes, in milliseconds. */
  readonly takes: number
  readonly since: number
  outcome: 'waiting' | 'served' | 'refused' | 'lost' = 'waiting'

  constructor(number: number, takes: number, since: number) {
    this.number = number
    this.takes = takes
    this.since = since
  }
}

/** A bound socket; it lives as long as somebody holds a descriptor of it. */
export class ListeningSocket {
  readonly address: string
  readonly queue: Client[] = []
  isListening = false
  /** The arbiter knew of somebody who accepts there, and wanted him: before, an address is promised to nobody. */
  wasServed = false
  /** Nobody has listened there since all workers were sent away, or the last of them crashed, or the reload that brought it failed. */
  isGivenUp = false
  readonly #network: Network
  #holders = 0

  constructor(address: string, network: Network) {
    this.address = address
    this.#network = network
  }

  get isOpen(): boolean {
    return this.#holders > 0
  }

  hold(): void {
    this.#holders += 1
  }

  release(why: string): void {
    this.#holders -= 1
    if (this.#holders === 0) this.#network.close(this, why)
  }
}

export class Network {
  readonly acceptors = new Set<Acceptor>()
  readonly #machine: Surroundings
  readonly #sockets = new Map<string, ListeningSocket>()
  /** Whether the loss of what waits in a queue has its reason in what was done to the machine, or asked of the arbiter. */
  mayLose: () => boolean = () => false
  #clients = 0
  served = 0

  constructor(machine: Surroundings) {
    this.#machine = machine
  }

  bind(address: string): ListeningSocket {
    if (this.isTaken(address)) throw systemError('EADDRINUSE')
    const socket = new ListeningSocket(address, this)
    this.#sockets.set(address, socket)
    return socket
  }

  isTaken(address: string): boolean {
    return this.#sockets.get(address)?.isOpen === true || this.#machine.faults.has('port taken')
  }

  /** All of them, or those that are given up with a generation. */
  giveUp(isConcerned: (address: string) => boolean): void {
    for (const socket of this.#sockets.values()) if (isConcerned(socket.address)) socket.isGivenUp = true
  }

  /** Somebody has ended who should not have: where nobody else listens, it was not the arbiter who left those who wait alone. */
  leave(socket: ListeningSocket): void {
    socket.isGivenUp ||= ![...this.acceptors].some(
      ({ sockets, isTold }) => sockets.has(socket) && isTold !== true,
    )
  }

  connect(address: string, takes: number): Client {
    this.#clients += 1
    const client = new Client(this.#clients, takes, this.#machine.clock.now)
    const socket = this.#sockets.get(address)
    if (socket?.isOpen && socket.isListening) {
      socket.queue.push(client)
      // Those who accept may be busy.
      const { clock, random } = this.#machine
      clock.after(random() * (random() < 0.3 ? 400 : 4), () => this.serve(socket))
    } else client.outcome = 'refused'
    return client
  }

  /** Somebody who accepts takes what waits. */
  serve(socket: ListeningSocket): void {
    if (socket.queue.length === 0) return
    const free = [...this.acceptors].filter(({ isAccepting, sockets }) => isAccepting && sockets.has(socket))
    if (free.length === 0) return
    for (const client of socket.queue.splice(0)) {
      ;(free[Math.floor(this.#machine.random() * free.length)] as Acceptor).accept(client)
    }
  }

  close(socket: ListeningSocket, why: string): void {
    for (const client of socket.queue.splice(0)) {
      client.outcome = 'lost'
      const text = `client ${client.number} waited in the queue of ${socket.address} when the last descriptor was closed (${why})`
      this.#machine.note(text)
      if (socket.wasServed && !socket.isGivenUp && !this.mayLose())
        this.#machine.violate('no request is lost', text)
    }
  }
}
