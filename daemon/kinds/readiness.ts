/** Finds out when a program is ready, in the way that the settings say. */
import type { ChildProcess } from 'node:child_process'
import { get } from 'node:http'
import type { Readable } from 'node:stream'
import { createContext, Script } from 'node:vm'
import { fillIn, type Probe, parseProbe } from '../../config/kinds/programs.ts'
import type { Settings } from '../../config/table.ts'

export type ReadinessSettings = Pick<Settings, 'ready_fd' | 'ready_line' | 'ready_http' | 'ready_after'>

export interface Readiness {
  /** The program has printed these lines. */
  see(lines: readonly string[]): void
  /** Why it is not ready yet, to complete a sentence. */
  readonly missing: string
  close(): void
}

/** `ready` is called once at most, and not after `close`. */
export function watchReadiness(
  child: ChildProcess & { readonly pid: number },
  index: number,
  settings: ReadinessSettings,
  ready: () => void,
): Readiness {
  const { ready_fd: fd, ready_line: line, ready_http: url, ready_after: seconds } = settings
  if (fd > 0) return byDescriptor(child.stdio[fd] as Readable, fd, ready)
  if (line !== null) return byLine(line, ready)
  if (url !== null) return byHttp(fillIn(url, child.pid, index), ready)
  const timer = setTimeout(ready, seconds * 1_000)
  return {
    see: () => undefined,
    missing: `it has lived for less than ready_after (${seconds} s)`,
    close: () => clearTimeout(timer),
  }
}

function byDescriptor(stream: Readable, fd: number, ready: () => void): Readiness {
  let has = 'written no line to'
  stream.on('error', () => undefined)
  stream.once('end', () => {
    has = 'closed'
  })
  stream.setEncoding('latin1').on('data', (text: string) => {
    if (text.includes('\n')) ready()
  })
  return {
    see: () => undefined,
    get missing() {
      return `it has ${has} descriptor ${fd} (ready_fd)`
    },
    // Whatever it writes later is read and ignored.
    close: () => stream.removeAllListeners('data').resume(),
  }
}

/** How much of a line is compared, in characters; how long lines that came together may take, and how often longer. */
const longestLine = 1_000
const matchMs = 500
const mostFailures = 3

/** A pattern may take for ever on the wrong line, and the arbiter has other things to do. */
function byLine(pattern: string, ready: () => void): Readiness {
  const words = `(ready_line ${JSON.stringify(pattern)})`
  const scope = createContext({ pattern: new RegExp(pattern), lines: [] as readonly string[] })
  const script = new Script('lines.some(line => pattern.test(line))')
  let failures = 0
  let isOver = false
  return {
    see(lines) {
      if (isOver || failures >= mostFailures) return
      scope.lines = lines.map(line => line.slice(0, longestLine))
      try {
        if (script.runInContext(scope, { timeout: matchMs }) === true) ready()
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
        failures += 1
      }
    },
    get missing() {
      return failures > 0
        ? `it takes too long to compare lines with the pattern ${words}`
        : `no line of its output matches ${words}`
    },
    close() {
      isOver = true
    },
  }
}

/** How long an answer may take, and how long until the next attempt, in milliseconds. */
const answerMs = 2_000
const againMs = 250

function byHttp(url: string, ready: () => void): Readiness {
  const { path, ...place } = parseProbe(url) as Probe
  let why = 'it has not been asked'
  let isOver = false
  let timer: NodeJS.Timeout | undefined
  const ask = () => {
    let isAnswered = false
    const again = (found: string) => {
      if (isAnswered) return
      isAnswered = true
      why = found
      if (!isOver) timer = setTimeout(ask, againMs)
    }
    const request = get({ ...place, path, agent: false, timeout: answerMs }, response => {
      const { statusCode = 0 } = response
      if (statusCode >= 400) again(`it answers with ${statusCode}`)
      else if (!isOver) ready()
      isAnswered = true
      request.destroy()
    })
    request.on('timeout', () => request.destroy(new Error(`no answer within ${answerMs / 1_000} s`)))
    request.on('error', error => again(error.message))
  }
  timer = setTimeout(ask, againMs)
  return {
    see: () => undefined,
    get missing() {
      return `${url} (ready_http): ${why}`
    },
    close() {
      isOver = true
      clearTimeout(timer)
    },
  }
}
