/** Plays an upgrade to its end: a new arbiter, a look at it, and the old one leaves. On trouble, the old one stays. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from './client.ts'
import { type Event, tellEvent } from './events.ts'
import { Failure } from './exit-codes.ts'
import type { Instance } from './instances.ts'
import { socketName } from './protocol/folders.ts'

export interface UpgradeOptions {
  /** How long to watch the new arbiter before the old one is told to leave, in seconds. */
  readonly bake: number
  readonly tell: (text: string) => void
}

/** Resolves with the process id of the new arbiter when the old one is gone; rejects with a `Failure`. */
export async function upgrade({ client, hello }: Instance, { bake, tell }: UpgradeOptions): Promise<number> {
  const { new_arbiter: pid } = (await client.ask('upgrade', [], data => tell(tellEvent(data as Event)))) as {
    new_arbiter: number
  }
  const successor = await Client.connect(successorPath(client.path, hello.pid, pid))
  try {
    if (bake > 0) await watch(successor, client, bake, tell)
    tell(`Asking the old arbiter to leave (pid ${hello.pid})`)
    await client.ask('shutdown', ['graceful'])
    await client.closed
    tell('The old arbiter is gone')
    return pid
  } finally {
    successor.close()
  }
}

/** A usual socket has the process id as its name; one that was configured has `.2` at its end until the promotion. */
function successorPath(path: string, before: number, after: number): string {
  const name = socketName(before)
  return path.endsWith(`/${name}`) ? path.slice(0, -name.length) + socketName(after) : `${path}.2`
}

/** Rolls back if a worker of the new arbiter ends by itself, or the new arbiter does. */
async function watch(
  successor: Client,
  client: Client,
  seconds: number,
  tell: (text: string) => void,
): Promise<void> {
  tell(`Watching the new arbiter for ${seconds} s`)
  const trouble = new Promise<never>((_, reject) => {
    const fail = (why: string) => reject(new Failure('failed', why))
    successor
      .ask('events', [], data => {
        const event = data as Event
        if (event.type === 'worker exited' && event.kind !== 'expected') fail(String(event.text))
      })
      .catch(() => fail('The new arbiter has ended'))
    client.closed.then(() => fail('The old arbiter has ended meanwhile'))
  })
  // It comes too late when the time is over, and the connections are closed.
  trouble.catch(() => undefined)
  try {
    await Promise.race([sleep(seconds * 1_000, undefined, { ref: false }), trouble])
  } catch (error) {
    tell('Taking the upgrade back: the new arbiter is told to leave')
    await successor.ask('shutdown', ['graceful']).catch(() => undefined)
    await successor.closed
    throw new Failure(
      'failed',
      `The upgrade was taken back, and the old arbiter serves: ${(error as Error).message}`,
    )
  }
}
