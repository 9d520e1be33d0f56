/** A process that the arbiter has started: what the kernel does about it, whatever program it runs. */
import { EventEmitter } from 'node:events'
import type { Machine, SocketFile, SpawnedWith } from '../machine/machine.ts'
import type { Client, ListeningSocket } from '../machine/network.ts'
import type { Pipe } from '../machine/pipe.ts'

/** What `spawn` returns. */
export class Handle extends EventEmitter {
  readonly pid: number | undefined
  readonly stdio: (Pipe | null)[] = []
  readonly stdout = null
  readonly stderr = null
  readonly kill: (signal: NodeJS.Signals) => boolean
  readonly channel = { unref: () => undefined }

  constructor(pid: number | undefined, kill: (signal: NodeJS.Signals) => boolean) {
    super()
    this.pid = pid
    this.kill = kill
  }

  unref(): void {
    // Nothing keeps a simulated process alive.
  }
}

export abstract class Process {
  readonly pid: number
  readonly handle: Handle
  readonly machine: Machine
  readonly sockets = new Set<ListeningSocket>()
  readonly requests = new Set<Client>()
  isAlive = true
  /** It was told to leave, by the arbiter or by others. */
  isTold = false
  /** The arbiter has heard of its end. */
  isHeardOf = false
  /** Its generation has failed, or no worker is wanted: who waits for it may wait for nobody. */
  isUnwanted = false
  isAccepting = false
  /** Why what it loses has its reason in what was done to the machine, or asked of the arbiter. */
  excuse: string | undefined
  readonly #held: SocketFile[]

  constructor(machine: Machine, { stdio }: SpawnedWith) {
    this.machine = machine
    this.pid = machine.newPid()
    this.handle = new Handle(this.pid, signal => {
      this.signalled(signal)
      return this.isAlive
    })
    this.handle.stdio.push(...stdio.map((_, fd) => this.pipeAt(fd, stdio)))
    const files = stdio.map(fd => (typeof fd === 'number' ? machine.descriptors.get(fd) : undefined))
    if (stdio.some((fd, place) => typeof fd === 'number' && files[place] === undefined))
      machine.violate('descriptors are open when they are inherited', stdio.join())
    this.#held = files.filter(file => file?.kind === 'socket')
    for (const { socket } of this.#held) {
      socket.hold()
      this.sockets.add(socket)
    }
  }

  abstract readonly name: string

  /** The arbiter, or somebody else, sends it a signal. */
  abstract signalled(signal: NodeJS.Signals): void

  abstract pipeAt(fd: number, stdio: readonly unknown[]): Pipe | null

  listen(): void {
    this.isAccepting = true
    this.machine.network.acceptors.add(this)
    for (const socket of this.sockets) {
      socket.isListening = true
      if (!this.isUnwanted && !this.isTold) socket.isGivenUp = false
      this.machine.network.serve(socket)
    }
  }

  accept(client: Client): void {
    this.requests.add(client)
    this.machine.clock.after(client.takes, () => this.answer(client))
  }

  answer(client: Client): void {
    if (!this.requests.delete(client)) return
    client.outcome = 'served'
    this.machine.network.served += 1
  }

  /** Takes nothing new; what waits on these sockets is taken first. */
  stopListening(abandoned: readonly ListeningSocket[] = []): void {
    for (const socket of abandoned)
      if (this.isAccepting) for (const client of socket.queue.splice(0)) this.accept(client)
    this.isAccepting = false
    this.machine.network.acceptors.delete(this)
    this.#closeSockets()
  }

  #closeSockets(): void {
    this.sockets.clear()
    for (const { socket } of this.#held.splice(0)) socket.release(`${this.name} was the last to have it`)
  }

  /** Ends; the arbiter hears of it, and of the end of the channel, in one order or the other. */
  exit(code: number | null, signal: NodeJS.Signals | null = null): void {
    if (!this.isAlive) return
    this.isAlive = false
    this.machine.note(`${this.name} ends with ${signal ?? `code ${code}`}`)
    for (const client of this.requests) this.lose(client)
    this.requests.clear()
    this.isAccepting = false
    this.machine.network.acceptors.delete(this)
    if (this.excuse !== undefined) for (const socket of this.sockets) this.machine.network.leave(socket)
    this.#closeSockets()
    const soon = this.machine.random() * 3
    const later = soon + this.machine.random() * 3
    for (const pipe of this.handle.stdio) pipe?.end(later)
    this.machine.tell(() => {
      this.isHeardOf = true
      this.handle.emit('exit', code, signal)
    }, soon)
    // A grandchild may keep the channel open.
    if (this.machine.random() < 0.95) this.machine.tell(() => this.handle.emit('close'), later + 1)
  }

  lose(client: Client): void {
    client.outcome = 'lost'
    const text = `${this.name} leaves client ${client.number} without an answer, ${this.machine.clock.now - client.since} ms after it came`
    this.machine.note(`${text}${this.excuse === undefined ? '' : ` (${this.excuse})`}`)
    if (this.excuse === undefined) this.machine.violate('no request is lost', text)
  }
}
