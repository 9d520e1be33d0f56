/** Does what a script says, step by step, and leaves no socket behind. */
import type { Conversation, Target } from '../conversation.ts'
import type { Random } from '../random.ts'
import { preambleFor } from './proxy-header.ts'
import { describe, type Script, type Step } from './step.ts'
import { open, turn, type Wire } from './wire.ts'

/** What is done depends on the random choices alone: all of them are made before the first byte is sent. */
export function conversation(name: string, plan: (random: Random, target: Target) => Script): Conversation {
  return {
    name,
    async run(random, target) {
      const planned = plan(random, target)
      const script = 'preamble' in planned ? planned : { ...planned, ...preambleFor(random, target) }
      await play(script, target)
      return describe(script)
    },
  }
}

/** A conversation takes no longer than this after its connection is there, in milliseconds. */
const longest = 4_000

export async function play(script: Script, target: Target): Promise<void> {
  const wire = await open(target, script)
  const { socket, stream } = wire
  const end = () => {
    // In this order: what is under TLS and is gone first takes the process along, up to Node 26 at least.
    if (!socket.destroyed) stream.destroy()
    socket.destroy()
  }
  const timer = setTimeout(end, longest)
  try {
    const ear = new Ear(wire)
    for (const step of script.steps) {
      if (socket.destroyed || stream.destroyed) return
      await perform(step, wire, ear)
    }
  } finally {
    clearTimeout(timer)
    end()
    if (!socket.closed) await new Promise(resolve => socket.once('close', resolve))
  }
}

async function perform(step: Step, { socket, stream }: Wire, ear: Ear): Promise<void> {
  switch (step.kind) {
    case 'write':
      return void (stream.writable && stream.write(step.bytes))
    case 'write raw':
      return void (socket.writable && socket.write(step.bytes))
    case 'wait':
      return await ear.news(step.limit)
    case 'pause':
      return await (step.ms === 0 ? turn() : new Promise(resolve => setTimeout(resolve, step.ms)))
    case 'half close':
      return void stream.end()
    case 'reset':
      // What was written goes out first, as far as the kernel takes it.
      await turn()
      return void socket.resetAndDestroy()
    case 'destroy':
      return void socket.destroy()
    case 'stop reading':
      return void stream.pause()
    case 'resume':
      return void stream.resume()
    case 'renegotiate':
      if ('renegotiate' in stream && stream.getProtocol() === 'TLSv1.2') {
        await Promise.race([
          new Promise<void>(resolve => stream.renegotiate({}, () => resolve())),
          new Promise<void>(resolve => setTimeout(resolve, 200)),
        ])
      }
  }
}

/** Hears when something comes. */
class Ear {
  #isNew = false
  #isOver = false
  #hear: () => void = () => undefined

  constructor({ socket, stream }: Wire) {
    const hear = (isOver: boolean) => {
      this.#isNew = true
      this.#isOver ||= isOver
      this.#hear()
    }
    stream.on('data', () => hear(false)).on('end', () => hear(true))
    stream.on('close', () => hear(true))
    socket.on('close', () => hear(true))
  }

  async news(limit: number): Promise<void> {
    if (!this.#isNew && !this.#isOver) {
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, limit)
        this.#hear = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#isNew = false
  }
}
