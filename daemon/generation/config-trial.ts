/**
 * Tries a configuration file in a separate process before the arbiter runs its code: what would end or block the
 * arbiter (an unhandled rejection, an endless loop, `process.exit`) only fails the reload.
 */
import type { ChildProcess } from 'node:child_process'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { ConfigError, type Problem } from '../../config/load/config-error.ts'
import { configTimedOut } from '../../config/load/file.ts'
import type { ConfigTrial } from '../../config/resolve/layers.ts'
import { entryFile } from '../../hooks/own-files.ts'
import { spawnOrFail, whyNotStarted } from '../system/spawn.ts'

/** The argument of the trial process, as JSON. */
export interface TrialTask {
  readonly path: string
  readonly origin: string
  readonly command: ConfigTrial['context']['command']
}

const trialMain = fileURLToPath(entryFile('daemon/generation/config-trial-main'))

/** How much of each output of the process is kept, in characters. */
const keptLength = 64 * 1_024

/** How long its last output may take to arrive, in milliseconds, if a process that it started keeps its pipes open. */
const lastWordsMs = 200

/**
 * Resolves if the file loads and does nothing that would have ended the arbiter; else throws `ConfigError`. The signal
 * ends the trial, which then rejects with the signal's reason.
 */
export async function tryConfig(trial: ConfigTrial, signal: AbortSignal): Promise<void> {
  const { path, origin, context, cwd, seconds } = trial
  signal.throwIfAborted()
  const task: TrialTask = { path, origin, command: context.command }
  const child = await spawnOrFail(process.execPath, [...process.execArgv, trialMain, JSON.stringify(task)], {
    cwd,
    env: context.env,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  })
  if (child instanceof Error) throw problem(origin, whyNotStarted(child, process.execPath, cwd))
  let isLate = false
  const kill = () => child.kill('SIGKILL')
  const late = () => {
    isLate = true
    kill()
  }
  const timer = seconds > 0 ? setTimeout(late, seconds * 1_000) : undefined
  signal.addEventListener('abort', kill)
  try {
    const { words, report, how } = await outcomeOf(child)
    signal.throwIfAborted()
    if (isLate) throw configTimedOut(trial)
    const problems = parseReport(report)
    if (problems === undefined) throw problem(origin, `its process ended with ${how}`, words)
    if (problems.length > 0) throw new ConfigError(problems)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', kill)
  }
}

function problem(origin: string, why: string, stack = ''): ConfigError {
  const message = `Cannot load it: ${why}`
  return new ConfigError([{ origin, message, ...(stack === '' ? {} : { stack }) }])
}

interface Outcome {
  /** The end of what the process wrote to standard error. */
  readonly words: string
  readonly report: string
  readonly how: string
}

async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  const words = lastOf(child.stdio[2] as Readable)
  const report = lastOf(child.stdio[3] as Readable)
  const how = await new Promise<string>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      const how = signal ?? `code ${code}`
      const timer = setTimeout(resolve, lastWordsMs, how)
      child.once('close', () => {
        clearTimeout(timer)
        resolve(how)
      })
    })
  })
  for (const stream of child.stdio) stream?.destroy()
  return { words: words().trim(), report: report(), how }
}

function lastOf(stream: Readable): () => string {
  let kept = ''
  stream.setEncoding('utf8').on('data', (text: string) => {
    kept = (kept + text).slice(-keptLength)
  })
  stream.on('error', () => undefined)
  return () => kept
}

/** Undefined if the process ended without a report. */
function parseReport(report: string): readonly Problem[] | undefined {
  try {
    const problems: unknown = JSON.parse(report)
    return Array.isArray(problems) ? problems : undefined
  } catch {
    return undefined
  }
}
