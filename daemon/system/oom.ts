/** Tells whether the kernel killed processes of this control group because memory ran out. */
import { readFileSync } from 'node:fs'

/** Returns a function that tells whether that has happened since its last call. */
export function watchOutOfMemory(): () => boolean {
  const file = eventsFile()
  let known = killsIn(file)
  return () => {
    const kills = killsIn(file)
    const isNew = kills > known
    known = kills
    return isNew
  }
}

/** The file in which control groups of version 2 count such events; undefined on other systems. */
function eventsFile(): string | undefined {
  const [, path] = /^0::(.*)$/m.exec(read('/proc/self/cgroup')) ?? []
  return path === undefined ? undefined : `/sys/fs/cgroup${path}/memory.events`
}

function killsIn(file: string | undefined): number {
  const [, kills = '0'] = /^oom_kill (\d+)$/m.exec(file === undefined ? '' : read(file)) ?? []
  return Number(kills)
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // Not Linux, or not readable.
    return ''
  }
}
