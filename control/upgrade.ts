/** Carries an upgrade through: a new arbiter, a look at it, and the old one leaves. On trouble, the old one stays. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from './client/client.ts'
import { Failure } from './client/exit-codes.ts'
import { findNewArbiter, type Instance, within } from './client/instances.ts'
import { cleanLines } from './print/clean.ts'
import { type Event, tellEvent } from './print/events.ts'
import type { Hello } from './protocol/messages.ts'

export interface UpgradeOptions {
  /** How long to watch the new arbiter before the old one is told to leave, in seconds. */
  readonly bake: number
  /** How long all of it may take, in seconds. */
  readonly timeout: number | undefined
  readonly tell: (text: string) => void
}

/** Resolves with the process id of the new arbiter when the old one is gone; rejects with a `Failure`. */
export async function upgrade(old: Instance, { bake, timeout, tell }: UpgradeOptions): Promise<number> {
  const { client, hello } = old
  const end = performance.now() + (timeout ?? 0) * 1_000
  const inTime = async <T>(promise: Promise<T>, late: string): Promise<T> => {
    if (timeout === undefined) return await promise
    const error = new Failure('timeout', `There is no outcome after ${timeout} s${late}`)
    return await within(Math.max(0, end - performance.now()), promise, error)
  }
  let pid: number | undefined
  const prove = async () => {
    pid = await begin(client, tell)
    return bake === 0 ? 'baked' : await watch(old, pid, bake, tell)
  }
  const outcome = await inTime(prove(), '').catch(async (error: Failure) => {
    // Else it was refused, or has failed by itself.
    if (pid !== undefined || error.exit === 'timeout') await takeBack(client, error, tell)
    throw error
  })
  if (outcome === 'baked') {
    tell(`Asking the old arbiter to leave (pid ${hello.pid})`)
    await client.ask('shutdown', ['graceful'])
    await inTime(client.closed, `: the new arbiter serves (pid ${pid}), and the old one finishes what it has`)
  }
  tell('The old arbiter is gone')
  return pid as number
}

async function begin(client: Client, tell: (text: string) => void): Promise<number> {
  const told = (data: unknown) => tell(tellEvent(cleanLines(data as Event)))
  const { new_arbiter: pid } = (await client.ask('upgrade', [], told)) as { new_arbiter: number }
  return pid
}

/**
 * Watches the new arbiter for this long; less if the old one leaves meanwhile, for whatever reason: then the new one is
 * the only one. Rejects if a worker of the new arbiter ends by itself, or the new arbiter does.
 */
async function watch(
  { client, hello }: Instance,
  pid: number,
  seconds: number,
  tell: (text: string) => void,
): Promise<'baked' | 'promoted'> {
  const successor = await findNewArbiter(client.path, hello.pid, pid).catch(({ exit, message }: Failure) => {
    throw new Failure(exit, `${message}, so it cannot be watched: --bake 0 does without`)
  })
  try {
    tell(`Watching the new arbiter for ${seconds} s`)
    const seen = new Promise<'promoted'>((resolve, reject) => {
      const fail = (why: string) => reject(new Failure('failed', why))
      const hear = (event: Event) => {
        if (event.type === 'promoted') resolve('promoted')
        if (event.type === 'worker exited' && event.kind !== 'expected') fail(String(event.text))
      }
      successor.client
        .ask('events', [], data => hear(data as Event))
        .catch(() => fail('The new arbiter has ended'))
    })
    // A server closes connections on which nothing is under way.
    client.ask('events').catch(() => undefined)
    // Asked after the events, so that a promotion is in one of them; without an answer, it is `seen`.
    const asked = successor.client.ask('hello').catch(() => seen)
    if (((await Promise.race([asked, seen])) as Partial<Hello>).old_arbiter === null) return 'promoted'
    return await Promise.race([sleep(seconds * 1_000, 'baked' as const, { ref: false }), seen])
  } finally {
    successor.client.close()
  }
}

/** Throws the error with what has become of the upgrade. */
async function takeBack(client: Client, error: Failure, tell: (text: string) => void): Promise<never> {
  const fail = (state: string) => new Failure(error.exit, `${state}: ${error.message}`)
  tell('Taking the upgrade back')
  const problem = await client.ask('upgrade back').then(
    () => undefined,
    ({ message }: Error) => message,
  )
  if (problem === undefined) throw fail('The upgrade was taken back, and the old arbiter serves')
  const { phase, new_arbiter } = (await client.ask('hello')) as Hello
  // It ended by itself, or was refused.
  if (phase !== 'stopping' && new_arbiter === null)
    throw fail('The upgrade failed, and the old arbiter serves')
  throw fail(`The upgrade failed and cannot be taken back (${problem})`)
}
