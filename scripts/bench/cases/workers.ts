/** Which workers serve. */
import { Agent } from 'node:http'
import { ask, type Target } from '../load/target.ts'

/**
 * How many ask at once, on connections that stay open until all have an answer: an idle worker accepts all that come one
 * after another, and there must be enough for those that take fewer.
 */
const crowd = 256
const patienceMs = 20_000

/** The names of so many workers, as the app gives them: their process ids, with Node also the thread's. */
export async function workersOf(target: Target, count: number): Promise<readonly string[]> {
  const found = new Set<string>()
  for (const began = performance.now(); found.size < count; ) {
    const agents = Array.from({ length: crowd }, () => new Agent({ keepAlive: true }))
    const answers = await Promise.allSettled(agents.map(agent => ask(target, '/worker', agent)))
    for (const answer of answers) if (answer.status === 'fulfilled') found.add(answer.value.body)
    for (const agent of agents) agent.destroy()
    if (performance.now() - began > patienceMs)
      throw new Error(`Only ${found.size} of ${count} workers answer`)
  }
  return [...found]
}
