/**
 * Tells programs to leave when the arbiter is gone: unlike workers of Node, they do not notice it. A shell in the
 * background does, by the end of its input, whatever has ended the arbiter.
 */
import { existsSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { trySpawn } from '../system/spawn.ts'

const shell = '/bin/sh'

/** A line `TERM 123` adds a process, and `- 123` removes it. The shell that was started ends at once. */
const script = `
(
  trap '' HUP INT QUIT TERM USR1 USR2
  all=
  while read -r sign pid; do
    if [ "$sign" != - ]; then all="$all $pid:$sign"; continue; fi
    rest=
    for one in $all; do [ "\${one%:*}" = "$pid" ] || rest="$rest $one"; done
    all=$rest
  done
  for one in $all; do kill -s "\${one#*:}" "\${one%:*}"; done
) <&3 &
`

let input: Writable | undefined

/** Has the process told by this signal when the arbiter is gone, until the function that it returns is called. */
export function guard(pid: number, signal: string): () => void {
  input ??= start()
  input?.write(`${signal} ${pid}\n`)
  return () => void input?.write(`- ${pid}\n`)
}

/** Undefined where there is no shell, or where the end of the first process is the end of all. */
function start(): Writable | undefined {
  if (process.pid === 1 || !existsSync(shell)) return undefined
  const child = trySpawn(shell, ['-c', script], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  // Programs serve without it as well.
  if (child instanceof Error) return undefined
  child.on('error', () => undefined)
  const stream = child.stdio?.[3] as (Writable & { unref?(): void }) | null | undefined
  stream?.on('error', () => {
    input = undefined
  })
  stream?.unref?.()
  return stream ?? undefined
}
