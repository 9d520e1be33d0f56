/**
 * Runs lives of the real arbiter on a simulated machine where everything goes wrong that can; each life is made from a
 * seed, and the same seed makes the same life. Prints the story of the first life that breaks a rule.
 *
 *     npm run simulate -- [--seed 1] [--lives 10000] [--most 10] [--story]
 */
import { parseArgs } from 'node:util'
import '../test/simulation/loader.ts'
import type { Found } from '../test/simulation/lives.ts'
import { replaceGlobals } from '../test/simulation/process-global.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    lives: { type: 'string', default: '10000' },
    /** How many lives may break a rule before it stops. */
    most: { type: 'string', default: '10' },
    story: { type: 'boolean', default: false },
  },
})
const { stdout, stderr, exit } = process
const seed = number('seed', 0)
const lives = number('lives', 1)
const started = performance.now()
replaceGlobals()
// Imported late, since everything that it imports runs on the simulated machine.
const { liveAll, shrink } = await import('../test/simulation/lives.ts')

let toldAt = started
const { count, hours, served, found } = await liveAll(seed, lives, number('most', 1), (lived, broken) => {
  if (broken !== undefined) stderr.write(`${describe(broken)}\n`)
  if (performance.now() - toldAt < 10_000) return
  toldAt = performance.now()
  stderr.write(`${lived} lives\n`)
})
const [first] = found
if (first !== undefined || values.story) {
  const { story } = await shrink(first?.seed ?? seed)
  stdout.write(`${story.join('\n')}\n\n`)
}
for (const one of found) stdout.write(`${describe(one)}\n`)
const seconds = ((performance.now() - started) / 1_000).toFixed(1)
stdout.write(
  `${count} lives of ${hours.toFixed(0)} hours with ${served} requests in ${seconds} s, ${found.length} broke a rule\n`,
)
exit(found.length === 0 ? 0 : 1)

function describe({ seed, outcome }: Found): string {
  return `${outcome.violation?.message}: --seed ${seed} --lives 1`
}

function number(name: 'seed' | 'lives' | 'most', least: number): number {
  const value = Number(values[name])
  if (Number.isInteger(value) && value >= least) return value
  stderr.write(`--${name} ${values[name]}: give a whole number, ${least} or more\n`)
  return exit(2)
}
