/** Memory and processor time of a process and all its descendants, from Linux's `/proc`. */
import { readdirSync, readFileSync } from 'node:fs'

/** One process of a tree. */
export interface Member {
  readonly pid: number
  readonly parent: number
  /** Ticks of processor time, and those at which it started. */
  readonly ticks: number
  readonly started: number
  readonly threads: number
}

/** The resources that a process and all its descendants use. */
export interface TreeUse {
  readonly processes: number
  /** Proportional set size: a shared page counts once, divided among the processes that share it. */
  readonly pssMiB: number
  /** Seconds of processor time since the processes started. */
  readonly cpu: number
}

export function useOfTree(root: number): TreeUse {
  const tree = membersOf(root)
  return {
    processes: tree.length,
    pssMiB: sum(tree.map(({ pid }) => fieldOf('Pss', pid))) / 1024,
    cpu: sum(tree.map(({ ticks }) => ticks)) / ticksPerSecond,
  }
}

/** Nanoseconds of processor time that the threads of these processes have used: for loads that take a moment only. */
export function nanosecondsOf(root: number): number {
  return sum(membersOf(root).map(({ pid }) => nanosecondsOfProcess(pid)))
}

/** The same of one process alone. */
export function nanosecondsOfProcess(pid: number): number {
  return sum(
    filesIn(`/proc/${pid}/task`).map(thread =>
      Number.parseInt(readIfAlive(`/proc/${pid}/task/${thread}/schedstat`) ?? '0', 10),
    ),
  )
}

/** Memory in MiB that a process shares with no other. */
export function privateMiB(pid: number): number {
  return (fieldOf('Private_Clean', pid) + fieldOf('Private_Dirty', pid)) / 1024
}

/** How many descriptors a process has open. */
export function descriptorsOf(pid: number): number {
  return filesIn(`/proc/${pid}/fd`).length
}

/** Seconds of processor time that all processes of the machine have used, and that its host has taken away. */
export function useOfMachine(): number {
  const [user = 0, nice = 0, system = 0, , , interrupts = 0, softInterrupts = 0, stolen = 0] =
    /^cpu +(.*)/.exec(readFileSync('/proc/stat', 'utf8'))?.[1]?.split(' ').map(Number) ?? []
  return sum([user, nice, system, interrupts, softInterrupts, stolen]) / ticksPerSecond
}

/** Seconds of processor time of this process and of its children that have ended. */
export function useOfSelf(): number {
  return sum((fieldsOf('self') ?? []).slice(11, 15).map(Number)) / ticksPerSecond
}

/** A process and all its descendants, the process first; none if it has ended. */
export function membersOf(root: number): Member[] {
  const all = filesIn('/proc').flatMap(name => (/^\d+$/.test(name) ? (readProcess(Number(name)) ?? []) : []))
  const tree = all.filter(({ pid }) => pid === root)
  for (const member of tree) tree.push(...all.filter(({ parent }) => parent === member.pid))
  return tree
}

/** USER_HZ, which is 100 on every Linux that Node runs on. */
const ticksPerSecond = 100

function readProcess(pid: number): Member | undefined {
  const fields = fieldsOf(`${pid}`)
  return (
    fields && {
      pid,
      parent: Number(fields[1]),
      ticks: Number(fields[11]) + Number(fields[12]),
      threads: Number(fields[17]),
      started: Number(fields[19]),
    }
  )
}

/** The fields of a process after its command, which may contain anything: they are counted from its closing bracket. */
function fieldsOf(pid: string): readonly string[] | undefined {
  const stat = readIfAlive(`/proc/${pid}/stat`)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** A field of the summary of its memory, in kB. */
function fieldOf(name: string, pid: number): number {
  const text = readIfAlive(`/proc/${pid}/smaps_rollup`) ?? ''
  return Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(text)?.[1] ?? 0)
}

function readIfAlive(path: string): string | undefined {
  return ifAlive(() => readFileSync(path, 'utf8'))
}

function filesIn(path: string): readonly string[] {
  return ifAlive(() => readdirSync(path)) ?? []
}

/** The process may have ended in the meantime. */
function ifAlive<Result>(read: () => Result): Result | undefined {
  try {
    return read()
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
