/** What it costs to ask for the version; for Node alone, an empty program. */
import { execFileSync } from 'node:child_process'
import { useOfSelf } from '../process-tree.ts'
import { usualSetup } from '../sides/setup.ts'
import type { Case } from './case.ts'

/** Processor time comes in ticks of 10 ms. */
const times = 10

export const version: Case = {
  title: '--version (of Node alone, an empty program)',
  setup: usualSetup,
  figures: ['versionCpu'],
  lasts: () => 3,
  async measure({ version: { program, args } }) {
    const run = () => execFileSync(program, args, { stdio: 'ignore' })
    run()
    const before = useOfSelf()
    for (let done = 0; done < times; done += 1) run()
    return { versionCpu: ((useOfSelf() - before) / times) * 1_000 }
  },
}
