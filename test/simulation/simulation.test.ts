/** A thousand lives of the arbiter on a simulated machine, and whether they would find mistakes. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { mistakes } from './mistakes.ts'

const run = promisify(execFile)
const script = fileURLToPath(new URL('../../scripts/simulate.ts', import.meta.url))

/** What the command says in the end. */
async function simulate(args: readonly string[], mistake = ''): Promise<string> {
  const env = { ...process.env, SIMULATED_MISTAKE: mistake }
  const maxBuffer = 64 * 1024 * 1024
  const { stdout } = await run(process.execPath, [script, ...args], { env, maxBuffer }).catch(
    (failure: { stdout: string; stderr: string }) => ({ stdout: failure.stdout + failure.stderr }),
  )
  return stdout
}

describe('the simulation', function () {
  // It is all computation, and takes as long as the processor is elsewhere.
  this.timeout(600_000)

  it('of a thousand lives breaks no rule', async () => {
    expect(await simulate(['--lives', '1000'])).to.match(/1000 lives of .* 0 broke a rule/)
  })

  it('of one life is the same each time', async () => {
    const [first, second] = [
      await simulate(['--lives', '1', '--story']),
      await simulate(['--lives', '1', '--story']),
    ]
    expect(first.length).to.be.above(500)
    // The last line says how long it took.
    expect(first.replace(/in [\d.]+ s,/, '')).to.equal(second.replace(/in [\d.]+ s,/, ''))
  })

  for (const { name, seed = 1 } of mistakes) {
    it(`finds an arbiter that ${name}`, async () => {
      expect(await simulate(['--seed', `${seed}`, '--lives', '1000', '--most', '1'], name)).to.match(
        /, 1 broke a rule/,
      )
    })
  }
})
