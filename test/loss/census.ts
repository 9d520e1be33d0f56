/** Checks what is running and what was left behind: processes and descriptors, from Linux's `/proc`. */
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { childrenOf, eventually, isAlive, type Tsicorn } from '../support/tsicorn.ts'
import { readRoster } from './roster.ts'

/** How often descriptors are counted, and how long between two times, in milliseconds. */
const readings = 5
const betweenReadingsMs = 20

/**
 * How many a process keeps: the fewest of some readings, because it may be reading a file just now. None if it has ended.
 */
export async function descriptorsOf(pid: number): Promise<number> {
  let fewest = Number.POSITIVE_INFINITY
  for (let reading = 0; reading < readings; reading += 1) {
    if (!isAlive(pid)) return 0
    fewest = Math.min(fewest, readdirSync(`/proc/${pid}/fd`).length)
    await sleep(betweenReadingsMs)
  }
  return fewest
}

/** Waits until no worker is starting or leaving. */
export async function settled(tsicorn: Tsicorn, workers: number): Promise<void> {
  await eventually(`${workers} workers`, () => workersOf(tsicorn).length === workers)
}

/** Without the fork server of the newest generation; that of an older one would be a worker too many. */
function workersOf({ pid, log }: Tsicorn): readonly number[] {
  const forkServer = Array.from(log.matchAll(/Fork server \(pid (\d+)\) has loaded/g)).at(-1)?.[1]
  return childrenOf(pid).filter(child => child !== Number(forkServer))
}

/** The faults of the workers after a storm, one sentence each. */
export function examineWorkers(tsicorn: Tsicorn, workers: number): string[] {
  const faults: string[] = []
  const children = workersOf(tsicorn)
  const roster = readRoster(tsicorn.log)
  const newest = Math.max(...roster.map(({ generation }) => generation))
  const current = roster.filter(({ generation }) => generation === newest).map(({ pid }) => pid)
  const old = children.filter(pid => !current.includes(pid))
  const zombies = children.filter(pid => stateOf(pid) === 'Z')
  if (children.length !== workers) faults.push(`There are ${children.length} workers instead of ${workers}`)
  if (old.length > 0) faults.push(`Workers ${old.join(', ')} are not of generation ${newest}`)
  if (zombies.length > 0) faults.push(`Processes ${zombies.join(', ')} are zombies`)
  return faults
}

/** The faults after the end. */
export function examineEnd(tsicorn: Tsicorn): string[] {
  const left = readRoster(tsicorn.log).filter(({ pid, hasEnded }) => !hasEnded && isAlive(pid) && isOurs(pid))
  return left.map(({ age, pid }) => `Worker ${age} (pid ${pid}) outlived the server`)
}

/** Error lines in the log that were not expected. */
export function examineLog(log: string, expected: RegExp | undefined): string[] {
  return log
    .split('\n')
    .filter(line => /\[(ERROR|CRITICAL)\]/.test(line) && expected?.test(line) !== true)
    .map(line => `The log says: ${line}`)
}

/** After a long storm, the kernel may have given a worker's pid to another process. */
function isOurs(pid: number): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').match(/tsicorn|loss\/programs/) !== null
}

function stateOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat.charAt(stat.lastIndexOf(')') + 2)
}
