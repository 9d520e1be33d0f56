/** Which workers serve. */
import { ask, type Target } from '../load/target.ts'

/** How many ask at once: an idle worker accepts all connections that come one after another. */
const crowd = 64
const patienceMs = 20_000

/** The names of so many workers, as the app gives them: their process ids, with Node also the thread's. */
export async function workersOf(target: Target, count: number): Promise<readonly string[]> {
  const found = new Set<string>()
  for (const began = performance.now(); found.size < count; ) {
    const answers = await Promise.allSettled(Array.from({ length: crowd }, () => ask(target, '/worker')))
    for (const answer of answers) if (answer.status === 'fulfilled') found.add(answer.value.body)
    if (performance.now() - began > patienceMs)
      throw new Error(`Only ${found.size} of ${count} workers answer`)
  }
  return [...found]
}
