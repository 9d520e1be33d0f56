/** The process of a trial: loads a configuration file, and reports its problems on descriptor 3. */
import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError, type Problem } from '../../config/load/config-error.ts'
import { loadConfig } from '../../config/load/file.ts'
import { userStack } from '../../config/load/load-error.ts'
import { messageOf } from '../../hooks/thrown.ts'
import type { TrialTask } from './config-trial.ts'

/** How long the process continues after loading the file, in milliseconds, to see whether what it started fails. */
const watchMs = 50

const { path, origin, command } = JSON.parse(process.argv[2] ?? '') as TrialTask
const exit = process.exit.bind(process)
let hasReported = false

function report(problems: readonly Problem[]): void {
  if (hasReported) return
  hasReported = true
  writeSync(3, JSON.stringify(problems))
}

function conclude(problems: readonly Problem[]): never {
  report(problems)
  return exit(0)
}

function problemOf(what: string, error: unknown): Problem {
  const stack = userStack(error)
  return { origin, message: `Cannot load it: ${what}`, ...(stack === undefined ? {} : { stack }) }
}

const goodbye = (name: string) => (code?: unknown) =>
  conclude([problemOf(`it called ${name}(${code ?? ''})`, new Error('called here'))])
Object.assign(process, { exit: goodbye('process.exit'), abort: goodbye('process.abort') })
process.on('uncaughtException', error => {
  conclude([problemOf(`nothing handled what it threw: ${messageOf(error).split('\n')[0]}`, error)])
})
process.on('exit', () => {
  report([{ origin, message: 'Cannot load it: what it waits for never comes' }])
})

try {
  await loadConfig(path, { command, env: process.env }, origin)
  await sleep(watchMs)
  conclude([])
} catch (error) {
  conclude(error instanceof ConfigError ? error.problems : [problemOf(messageOf(error), error)])
}
