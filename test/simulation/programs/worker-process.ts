/** A worker as the arbiter finds it: it does what real ones do, and what its fate says. */
import { channelFd, firstInherited, frame } from '../../../worker/protocol/frame.ts'
import type { FromWorker, Start, ToWorker } from '../../../worker/protocol/messages.ts'
import { fieldIndex, newRecord } from '../../../worker/protocol/scoreboard.ts'
import type { AppKind, Fate, WorkerFate } from '../fate.ts'
import type { Machine, OpenFile, SpawnedWith } from '../machine/machine.ts'
import type { Client, ListeningSocket } from '../machine/network.ts'
import { Pipe } from '../machine/pipe.ts'
import { Process } from './process.ts'

export class WorkerProcess extends Process {
  name: string
  start: Start | undefined
  /** The arbiter has heard that it is ready. */
  isKnownReady = false
  /** The log has named its end. */
  isKnownGone = false
  /** It was not the arbiter who wanted it to leave first. */
  asked = false
  hasClosedChannel = false
  /** It has said that it is ready, and was not. */
  isLiar = false
  /** It has said that it cannot boot, and goes on as if nothing were. */
  saidFailed = false
  isHung = false
  readonly bornAt: number
  toldAt = 0
  /** When the arbiter heard that it is ready. */
  readyAt = Number.POSITIVE_INFINITY
  readonly #fate: Fate
  #own: WorkerFate | undefined
  readonly #scoreboard: OpenFile | undefined
  readonly #listeners: readonly (ListeningSocket | undefined)[]
  readonly #mail: ToWorker[] = []
  readonly #watch: (worker: WorkerProcess, message: ToWorker) => void
  #isBooted = false
  #isDraining = false
  #isLeaving = false
  #begun = ''
  #served = 0

  /** `watch` sees what the arbiter tells it, when it does. */
  constructor(
    machine: Machine,
    options: SpawnedWith,
    fate: Fate,
    watch: (worker: WorkerProcess, message: ToWorker) => void,
  ) {
    super(machine, options)
    this.name = `a worker (pid ${this.pid})`
    this.bornAt = machine.clock.now
    this.#fate = fate
    this.#watch = watch
    const fileAt = (fd: unknown) => (typeof fd === 'number' ? machine.descriptors.get(fd) : undefined)
    this.#scoreboard = fileAt(options.stdio[firstInherited])
    this.#listeners = options.stdio.map(fd => {
      const file = fileAt(fd)
      return file?.kind === 'socket' ? file.socket : undefined
    })
  }

  get age(): number {
    return this.start?.age ?? 0
  }

  get app(): AppKind {
    return (this.start?.settings.app ?? 'good') as AppKind
  }

  pipeAt(fd: number, stdio: readonly unknown[]): Pipe | null {
    if (stdio[fd] !== 'pipe') return null
    if (fd === channelFd) return new Pipe(this.machine, text => this.#hear(text))
    return new Pipe(this.machine, () => this.#confess(fd))
  }

  #hear(text: string): void {
    const lines = (this.#begun + text).split('\n')
    this.#begun = lines.pop() as string
    for (const line of lines.filter(Boolean)) {
      const message = JSON.parse(line) as ToWorker
      if (message.type === 'start') {
        this.start = message
        this.name = `worker ${message.age} (pid ${this.pid}, generation ${message.generation})`
      }
      this.#watch(this, message)
      this.machine.clock.after(this.#own?.jitter ?? 1, () => this.#take(message))
    }
  }

  #take(message: ToWorker): void {
    if (!this.isAlive) return
    const isDeaf = this.isHung || (this.#own?.isBlocking === true && !this.#isBooted)
    if (isDeaf) return void this.#mail.push(message)
    switch (message.type) {
      case 'start':
        return this.#boot(message)
      case 'drain':
        return this.#drain(message.seconds, message.abandoned)
      case 'cancel':
        if (this.isAccepting) return this.#drain(this.start?.settings.graceful_timeout ?? 0, [])
        return this.#leave()
      case 'quit':
        return this.#leave()
      case 'announce':
      case 'renew':
      case 'reopen':
        return
    }
  }

  #readMail(): void {
    for (const message of this.#mail.splice(0)) this.#take(message)
  }

  #boot(start: Start): void {
    const own = this.#fate.worker(start.age, this.app)
    this.#own = own
    this.say({ type: 'booting' })
    if (own.outcome === 'never') return
    this.machine.clock.after(own.takes, () => {
      if (!this.isAlive || this.#isLeaving) return
      this.#isBooted = true
      if (own.outcome === 'dies') return this.exit(null, 'SIGSEGV')
      if (own.outcome === 'fails') {
        this.say({
          type: 'failed',
          why: 'app',
          message: `The app of generation ${start.generation} is broken`,
        })
        return this.exit(3)
      }
      this.listen()
      this.handle.stdio[channelFd]?.say(frame({ type: 'ready' }), undefined, () => {
        this.isKnownReady = true
        this.readyAt = this.machine.clock.now
        if (!this.isTold) for (const socket of this.sockets) socket.wasServed = true
      })
      if (own.diesAfter !== undefined) this.machine.clock.after(own.diesAfter, () => this.#crash())
      this.#readMail()
    })
  }

  #crash(): void {
    if (!this.isAlive || this.#isDraining) return
    this.excuse = 'the app crashes'
    this.say({ type: 'crashed', why: 'Error: the app crashes' })
    this.exit(1)
  }

  #drain(seconds: number, abandoned: readonly number[]): void {
    if (this.#isDraining) return
    this.#isDraining = true
    const held = [...this.sockets]
    this.stopListening(abandoned.flatMap(fd => this.#listeners[fd] ?? []))
    if (this.asked) for (const socket of held) this.machine.network.leave(socket)
    if (this.#own?.stays) {
      this.excuse = 'it does not leave by itself'
      return
    }
    this.machine.clock.after(seconds * 1_000, () => {
      this.excuse ??= 'graceful_timeout is over'
      this.exit(0)
    })
    this.#leaveWhenDone()
  }

  #leaveWhenDone(): void {
    if (this.#isDraining && this.requests.size === 0 && !this.isHung && !this.#own?.stays)
      this.machine.clock.after(this.#own?.jitter ?? 0, () => this.exit(0))
  }

  #leave(): void {
    if (this.#own?.stays) return
    this.#isLeaving = true
    this.machine.clock.after(this.#own?.jitter ?? 0, () => this.exit(0))
  }

  override answer(client: Client): void {
    if (this.isHung) {
      this.machine.clock.after(500, () => this.answer(client))
      return
    }
    if (this.requests.has(client)) this.#served += 1
    super.answer(client)
    this.#leaveWhenDone()
  }

  say(message: FromWorker): void {
    this.handle.stdio[channelFd]?.say(frame(message))
  }

  hang(milliseconds: number): void {
    if (!this.isAlive || this.isHung) return
    this.beat()
    this.isHung = true
    this.excuse = 'it hangs'
    this.isAccepting = false
    this.machine.clock.after(milliseconds, () => {
      this.isHung = false
      if (!this.isAlive) return
      if (!this.#isDraining && this.#isBooted) this.listen()
      this.#readMail()
      this.#leaveWhenDone()
    })
  }

  closeChannel(): void {
    this.hasClosedChannel = true
    this.handle.stdio[channelFd]?.end()
  }

  signalled(signal: NodeJS.Signals): void {
    if (!this.isAlive) return
    this.machine.note(`${this.name} gets ${signal}`)
    if (signal === 'SIGTERM' && this.#isBooted && !this.isHung) {
      this.asked = true
      if (!this.hasClosedChannel) return this.say({ type: 'leaving', why: 'somebody sent it SIGTERM' })
      // The arbiter takes it for one that stays until it has ended.
      return this.#drain(this.start?.settings.graceful_timeout ?? 0, [])
    }
    if (signal === 'SIGTERM' && this.isHung) return
    this.machine.clock.after(1, () => this.exit(null, signal))
  }

  /** Writes what the arbiter is about to read. */
  beat(): void {
    const slot = this.start?.scoreboard.slot
    if (!this.isAlive || slot === undefined || this.#scoreboard?.kind !== 'file') return
    if (this.isHung || (this.#own?.isBlocking && !this.#isBooted)) return
    const record = newRecord()
    record[fieldIndex('age')] = this.age
    record[fieldIndex('heartbeat')] = this.machine.clock.now - this.machine.random() * 1_000
    record[fieldIndex('requests_in_flight')] = this.requests.size
    record[fieldIndex('connections')] = this.requests.size
    record[fieldIndex('responses_2')] = this.#served
    const { file } = this.#scoreboard
    file.data.set(new Uint8Array(record.buffer), slot * record.byteLength)
  }

  /** The thread that tells where the JavaScript stands; native code silences it. */
  #confess(fd: number): void {
    const answer = this.machine.random()
    if (answer < 0.2) return
    const text = answer < 0.3 ? 'nonsense' : JSON.stringify({ stack: 'Error\n    at app.js:1', requests: [] })
    this.handle.stdio[fd]?.say(`${text}\n`, 10)
  }
}
