/** Memory and processor time of a process and all its descendants, from Linux's `/proc`. */
import { readdirSync, readFileSync } from 'node:fs'

/** The resources that a process and all its descendants use. */
export interface TreeUse {
  readonly processes: number
  /** Proportional set size: a shared page counts once, divided among the processes that share it. */
  readonly pssMiB: number
  /** Seconds of processor time since the processes started. */
  readonly cpu: number
}

export function useOfTree(root: number): TreeUse {
  const tree = treeOf(root)
  return {
    processes: tree.length,
    pssMiB: sum(tree.map(({ pid }) => pssOf(pid))) / 1024,
    cpu: sum(tree.map(({ ticks }) => ticks)) / ticksPerSecond,
  }
}

/** Nanoseconds of processor time that the threads of these processes have used: for loads that take a moment only. */
export function nanosecondsOf(root: number): number {
  return sum(
    treeOf(root).flatMap(({ pid }) =>
      readdirSync(`/proc/${pid}/task`).map(thread =>
        Number.parseInt(readIfAlive(`/proc/${pid}/task/${thread}/schedstat`) ?? '0', 10),
      ),
    ),
  )
}

/** Seconds of processor time that all processes of the machine have used, and that its host has taken away. */
export function useOfMachine(): number {
  const [user = 0, nice = 0, system = 0, , , interrupts = 0, softInterrupts = 0, stolen = 0] =
    /^cpu +(.*)/.exec(readFileSync('/proc/stat', 'utf8'))?.[1]?.split(' ').map(Number) ?? []
  return sum([user, nice, system, interrupts, softInterrupts, stolen]) / ticksPerSecond
}

/** USER_HZ, which is 100 on every Linux that Node runs on. */
const ticksPerSecond = 100

interface ProcessInfo {
  readonly pid: number
  readonly parent: number
  readonly ticks: number
}

function treeOf(root: number): ProcessInfo[] {
  const all = readdirSync('/proc').flatMap(name =>
    /^\d+$/.test(name) ? (readProcess(Number(name)) ?? []) : [],
  )
  const tree = all.filter(({ pid }) => pid === root)
  for (const member of tree) tree.push(...all.filter(({ parent }) => parent === member.pid))
  return tree
}

function readProcess(pid: number): ProcessInfo | undefined {
  const stat = readIfAlive(`/proc/${pid}/stat`)
  // The command may contain anything, so fields are counted from its closing bracket.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields && { pid, parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }
}

function pssOf(pid: number): number {
  return Number(/^Pss: +(\d+) kB/m.exec(readIfAlive(`/proc/${pid}/smaps_rollup`) ?? '')?.[1] ?? 0)
}

/** The process may have ended in the meantime. */
function readIfAlive(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
