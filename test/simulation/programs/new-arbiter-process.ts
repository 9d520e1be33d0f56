/** The arbiter that an upgrade starts: it serves beside the one that is simulated, or fails to. */
import type { NewArbiterFate } from '../fate.ts'
import type { Machine, SpawnedWith } from '../machine/machine.ts'
import type { Client } from '../machine/network.ts'
import { Process } from './process.ts'

export class NewArbiterProcess extends Process {
  readonly name: string
  serves = false
  #isLeaving = false

  constructor(machine: Machine, options: SpawnedWith, fate: NewArbiterFate) {
    super(machine, options)
    this.name = `the new arbiter (pid ${this.pid})`
    if (fate.outcome === 'never') return
    machine.clock.after(fate.takes, () => {
      if (!this.isAlive) return
      if (fate.outcome === 'fails') return this.exit(1)
      this.serves = true
      this.listen()
      machine.tell(() => this.handle.emit('message', { type: 'ready' }))
      if (fate.diesAfter === undefined) return
      machine.clock.after(fate.diesAfter, () => {
        this.excuse ??= 'the new arbiter dies'
        this.exit(70)
      })
    })
  }

  pipeAt(): null {
    return null
  }

  signalled(signal: NodeJS.Signals): void {
    if (signal === 'SIGTERM' && this.serves) {
      this.#isLeaving = true
      this.serves = false
      const held = [...this.sockets]
      this.stopListening()
      for (const socket of held) this.machine.network.leave(socket)
      return this.#leaveWhenDone()
    }
    this.excuse ??= `somebody sent it ${signal}`
    this.machine.clock.after(1, () => (signal === 'SIGTERM' ? this.exit(0) : this.exit(null, signal)))
  }

  override answer(client: Client): void {
    super.answer(client)
    this.#leaveWhenDone()
  }

  #leaveWhenDone(): void {
    if (this.#isLeaving && this.requests.size === 0) this.machine.clock.after(5, () => this.exit(0))
  }
}
