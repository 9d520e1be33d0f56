/** Runs the command of the simulation, for tests. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const script = fileURLToPath(new URL('../../scripts/simulate.ts', import.meta.url))

/** How many lives are in the tests, from seed 1 on. */
export const lives = 1_000

/** It is all computation, and takes as long as the processor is elsewhere; in milliseconds. */
export const limitMs = 600_000

/** What the command says in the end. */
export async function simulate(args: readonly string[], mistake = ''): Promise<string> {
  const env = { ...process.env, SIMULATED_MISTAKE: mistake }
  const maxBuffer = 64 * 1024 * 1024
  const { stdout } = await run(process.execPath, [script, ...args], { env, maxBuffer }).catch(
    (failure: { stdout: string; stderr: string }) => ({ stdout: failure.stdout + failure.stderr }),
  )
  return stdout
}
