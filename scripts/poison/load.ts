/** The clients: ordinary ones with some patience, and one that requests the bad route now and then. */
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

export interface LoadOptions {
  readonly port: number
  /** The bad route. */
  readonly poison: string
  readonly seconds: number
  /** How often each of them sends a request, in milliseconds. */
  readonly everyMs: number
  readonly poisonEveryMs: number
  readonly patienceMs: number
}

export interface Tally {
  readonly poisoned: number
  readonly requests: number
  readonly served: number
  readonly timedOut: number
  /** All other failures, such as a request under way in the poisoned worker. */
  readonly broken: number
  /** The longest wait for an answer that did come, in milliseconds. */
  readonly longestMs: number
}

type Outcome = { readonly verdict: 'served' | 'timed out' | 'broken'; readonly took: number }

/** Sends requests for `seconds`; resolves when the last one is decided. */
export async function load(options: LoadOptions): Promise<Tally> {
  const { poison, everyMs, poisonEveryMs } = options
  const [outcomes, poisoned] = await Promise.all([
    repeat(options, '/', everyMs, 0),
    // Between two ordinary ones: requests under way in the worker that ends are lost with any server.
    repeat(options, poison, poisonEveryMs, poisonEveryMs - everyMs / 2),
  ])
  const count = (wanted: Outcome['verdict']) => outcomes.filter(({ verdict }) => verdict === wanted).length
  return {
    poisoned: poisoned.length,
    requests: outcomes.length,
    served: count('served'),
    timedOut: count('timed out'),
    broken: count('broken'),
    longestMs: Math.max(0, ...outcomes.filter(one => one.verdict === 'served').map(({ took }) => took)),
  }
}

/** Sends requests at a fixed rate, whatever happens to earlier ones. */
async function repeat(
  options: LoadOptions,
  path: string,
  everyMs: number,
  delayMs: number,
): Promise<Outcome[]> {
  const { port, seconds, patienceMs } = options
  const begin = performance.now()
  const asked: Promise<Outcome>[] = []
  for (let due = begin + delayMs; due < begin + seconds * 1_000; due += everyMs) {
    await sleep(Math.max(0, due - performance.now()))
    asked.push(ask(port, path, patienceMs))
  }
  return await Promise.all(asked)
}

/** Sends a request on its own connection. */
function ask(port: number, path: string, patienceMs: number): Promise<Outcome> {
  const begin = performance.now()
  return new Promise(resolve => {
    const end = (verdict: Outcome['verdict']) => resolve({ verdict, took: performance.now() - begin })
    const request = http.get({ host: '127.0.0.1', port, path, agent: false }, response => {
      response.resume().once('end', () => end(response.statusCode === 200 ? 'served' : 'broken'))
    })
    const timer = setTimeout(() => {
      end('timed out')
      request.destroy()
    }, patienceMs)
    request.once('error', () => end('broken')).once('close', () => clearTimeout(timer))
  })
}
