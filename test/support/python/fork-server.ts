/** A server whose Python hosts are forked (`preload_app`), and the processes of it. */
import { readFileSync } from 'node:fs'
import { childrenOf, type LaunchOptions, type Tsicorn } from '../tsicorn.ts'
import { launchPython } from './launch.ts'

export function launchForking(
  text: string,
  args: readonly string[] = [],
  options: LaunchOptions = {},
): Tsicorn {
  const env = { PYTHONDONTWRITEBYTECODE: '1', ...options.env }
  return launchPython(text, ['--preload', ...args], { ...options, env })
}

/** All fork servers that it has had, oldest first. */
export function forkServersOf({ log }: Tsicorn): readonly number[] {
  return Array.from(log.matchAll(/Fork server \(pid (\d+)\) has loaded/g), ([, pid]) => Number(pid))
}

export function forkServerOf(server: Tsicorn): number {
  return forkServersOf(server).at(-1) as number
}

/** The workers that live, without the fork server. */
export function workersOf(server: Tsicorn): readonly number[] {
  const forkServers = forkServersOf(server)
  return server.workers.filter(pid => !forkServers.includes(pid))
}

/** The hosts that its newest fork server has forked. */
export function forkedBy(server: Tsicorn): readonly number[] {
  return childrenOf(forkServerOf(server))
}

/** The memory that a process shares with no other, in kB. */
export function privateMemoryOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  return Array.from(text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB/gm)).reduce(
    (sum, [, kilobytes]) => sum + Number(kilobytes),
    0,
  )
}
