/** A process and those that belong to it, from Linux's `/proc`; nothing where there is none. */
import { readdirSync } from 'node:fs'
import { readOf, statOf } from '../../worker/protocol/process-usage.ts'

/** The process and all below it. */
export function treeOf(pid: number): readonly number[] {
  const found = [pid]
  // It grows while it is walked through.
  for (const one of found) {
    for (const thread of list(`/proc/${one}/task`)) {
      const children = readOf(one, `task/${thread}/children`).trim()
      if (children !== '') found.push(...children.split(' ').map(Number))
    }
  }
  return found
}

/** The living processes of a process group, and those in whose environment all these variables are. */
export function kinOf(group: number, variables: readonly string[]): readonly number[] {
  return list('/proc').flatMap(name => {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid) return []
    const [state = 'X', , ownGroup] = statOf(pid)
    if (/^[ZXx]$/.test(state)) return []
    if (Number(ownGroup) === group) return [pid]
    const environment = readOf(pid, 'environ').split('\0')
    return variables.every(pair => environment.includes(pair)) ? [pid] : []
  })
}

function list(path: string): readonly string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
