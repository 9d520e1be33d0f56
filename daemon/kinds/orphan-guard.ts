/**
 * Tells programs to leave when the arbiter is gone: unlike workers of Node, they do not notice it. A shell in the
 * background does, by the end of its input, whatever has ended the arbiter.
 */
import { existsSync } from 'node:fs'
import type { Socket } from 'node:net'
import { trySpawn } from '../system/spawn.ts'

const shell = '/bin/sh'

/**
 * A line `TERM 123 30` adds a process with its signal and its time in seconds, and `- 123` removes it. What its group
 * leaves behind is told as well, and killed when the time is over. The shell that was started ends at once.
 */
const script = `
(
  trap '' HUP INT QUIT TERM USR1 USR2
  exec 2>/dev/null 3>&-
  all=
  while read -r sign pid limit; do
    if [ "$sign" != - ]; then all="$all $pid:$sign:$limit"; continue; fi
    rest=
    for one in $all; do [ "\${one%%:*}" = "$pid" ] || rest="$rest $one"; done
    all=$rest
  done
  for one in $all; do sign=\${one#*:}; kill -s "\${sign%:*}" "\${one%%:*}"; done
  passed=0
  while [ -n "$all" ]; do
    rest=
    for one in $all; do
      pid=\${one%%:*} limit=\${one##*:}
      kill -s 0 -- "-$pid" || continue
      if [ "$passed" -ge "$limit" ]; then kill -s KILL -- "-$pid"; continue; fi
      case $one in *:told:*) ;; *) kill -s 0 "$pid" || { kill -s TERM -- "-$pid"; one=$pid:told:$limit; } ;; esac
      rest="$rest $one"
    done
    all=$rest
    passed=$((passed + 1))
    [ -z "$all" ] || sleep 1
  done
) <&3 &
`

/** The pause before another shell is started where one has ended, in milliseconds: doubled each time, up to the most. */
const pauseMs = 1_000
const mostPauseMs = 60_000

/** The lines by process. */
const guarded = new Map<number, string>()

let input: Socket | undefined
let pause = pauseMs

/**
 * Has the process, which leads a group, told by this signal when the arbiter is gone, and the group killed after so many
 * seconds, until the function that it returns is called.
 */
export function guard(pid: number, signal: string, seconds: number): () => void {
  const line = `${signal} ${pid} ${Math.ceil(seconds)}\n`
  guarded.set(pid, line)
  if (input === undefined) start()
  else input.write(line)
  return () => {
    guarded.delete(pid)
    input?.write(`- ${pid}\n`)
  }
}

/** Not where there is no shell, or where the end of the first process is the end of all. */
function start(): void {
  if (process.pid === 1 || !existsSync(shell)) return
  const child = trySpawn(shell, ['-c', script], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  // Programs serve without it as well.
  if (child instanceof Error) return startLater()
  child.on('error', () => undefined)
  const stream = child.stdio?.[3] as Socket | null | undefined
  if (!stream) return startLater()
  input = stream
  stream.on('error', () => undefined)
  // Somebody has killed the shell: it writes nothing, so only its end is read.
  stream.resume().once('close', () => {
    input = undefined
    startLater()
  })
  stream.unref()
  for (const line of guarded.values()) stream.write(line)
}

function startLater(): void {
  const again = () => {
    if (input === undefined && guarded.size > 0) start()
  }
  setTimeout(again, pause).unref()
  pause = Math.min(mostPauseMs, pause * 2)
}
