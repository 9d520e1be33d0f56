/** Serves one program with two workers, under load: reloads, and a stop with a request under way. */

import { execFileSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Load } from '../../test/support/http/load.ts'
import { isAlive, makeFolder, Tsicorn } from '../../test/support/tsicorn.ts'
import type { Program } from './programs.ts'

export interface Row {
  readonly program: Program
  readonly version: string
  readonly answered: number
  /** Requests that failed, and whatever else was wrong, one sentence each. */
  readonly faults: readonly string[]
}

export interface TrialOptions {
  /** Where the example is. */
  readonly source: string
  readonly reloads: number
}

/** How long a request for `/slow` takes to be under way, in milliseconds. */
const underWayMs = 1_000

/** How long the start and the stop may take together, and each reload, in milliseconds. */
const patienceMs = 60_000

export async function tryProgram(program: Program, { source, reloads }: TrialOptions): Promise<Row> {
  const folder = makeFolder()
  const faults: string[] = []
  cpSync(source, folder, { recursive: true })
  const [version = ''] = (run(program.version, folder).match(/\d+(\.\d+)+/) ?? []) as string[]
  if (program.build !== undefined) run(program.build, folder)
  const args = ['-k', 'exec', '-w', '2', '-b', '127.0.0.1:0', ...program.flags, '--', ...program.command]
  const server = new Tsicorn(folder, { args })
  let answered = 0
  const late = setTimeout(() => server.signal('SIGINT'), patienceMs + reloads * patienceMs)
  try {
    const url = await server.running()
    const load = new Load({ url, clients: 3, keepAlive: false })
    for (let reload = 0; reload < reloads; reload += 1) {
      await load.answered(10)
      const slow = slowly(url)
      await sleep(underWayMs)
      await server.reload()
      const status = await slow
      if (status !== 200) faults.push(`A slow request during a reload: ${status}`)
    }
    const tally = await load.stop()
    answered = tally.ok + reloads
    faults.push(...tally.failures)
    const slow = slowly(url)
    await sleep(underWayMs)
    const { code } = await server.stop()
    const status = await slow
    if (status !== 200) faults.push(`The request under way at the stop: ${status}\n${server.log}`)
    if (code !== 0) faults.push(`The server ended with code ${code}`)
    faults.push(...left(server).map(pid => `Process ${pid} is left`))
    if (/SIGKILL|\[(ERROR|CRITICAL)\]/.test(server.log)) faults.push(server.log)
  } catch (error) {
    faults.push(`${(error as Error).message}: ${(error as Error).cause ?? ''}\n${server.log}`)
    await server.stop()
  } finally {
    clearTimeout(late)
    rmSync(folder, { recursive: true, force: true })
  }
  return { program, version, answered, faults }
}

/** The status of a request that takes two seconds, or why there is none. */
async function slowly(url: string): Promise<number | string> {
  return await fetch(`${url}/slow`).then(
    ({ status }) => status,
    ({ message, cause }: Error) => `${message}: ${cause}`,
  )
}

function run([file, ...args]: readonly [string, ...string[]], cwd: string): string {
  return execFileSync(file, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
}

/** The process ids in the log, of what lives. */
function left({ log }: Tsicorn): readonly number[] {
  return Array.from(log.matchAll(/\(pid (\d+)\)/g), ([, pid]) => Number(pid)).filter(isAlive)
}
