/**
 * The worker process: a program of its own. It listens to its arbiter and to signals, and knows first of all what to do
 * when the arbiter is gone.
 */
import { AppError, AppMissing, BindFailed } from './app-error.ts'
import { exitCodes } from './exit.ts'
import { tellArbiter } from './log.ts'
import type { BootFailure, Start, ToWorker } from './protocol.ts'
import { Worker } from './worker.ts'

let worker: Worker | undefined

process.on('disconnect', () => {
  if (worker === undefined) process.exit(exitCodes.ok.code)
  worker.orphaned()
})

process.on('message', (message: ToWorker) => {
  switch (message?.type) {
    case 'start':
      return start(message)
    case 'drain':
      return void worker?.drain(message)
    case 'quit':
      return void worker?.quit()
    case 'reopen':
      return void worker?.reopen()
  }
})

// Signals that are sent to the whole group must not end a worker.
for (const signal of ['SIGHUP', 'SIGTTIN', 'SIGTTOU', 'SIGUSR2', 'SIGWINCH'] as const) {
  process.on(signal, () => undefined)
}
process.on('SIGTERM', () => {
  if (!tellArbiter({ type: 'leaving', why: 'it was sent TERM' })) worker?.orphaned()
})
process.on('SIGINT', () => void worker?.quit())
process.on('SIGQUIT', () => void worker?.quit())
process.on('SIGABRT', () => void worker?.abort())

function start(message: Start): void {
  worker = new Worker(message)
  worker.boot().catch((error: unknown) => giveUp(error))
}

function giveUp(error: unknown): void {
  const { why, code, text } = failureOf(error)
  tellArbiter({ type: 'failed', why, message: text }, () => process.exit(code))
}

/** What the user's own code threw keeps its stack; what tsicorn found says what to do. */
function failureOf(error: unknown): {
  readonly why: BootFailure
  readonly code: number
  readonly text: string
} {
  const { appFailedToLoad, workerFailedToBoot } = exitCodes
  if (error instanceof AppError) return { why: 'app', code: appFailedToLoad.code, text: error.message }
  if (error instanceof BindFailed) return { why: 'bind', code: workerFailedToBoot.code, text: error.message }
  if (
    error instanceof AppMissing ||
    (error instanceof Error && ['HookError', 'ConfigError'].includes(error.name))
  ) {
    return { why: 'boot', code: workerFailedToBoot.code, text: error.message }
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { why: 'boot', code: workerFailedToBoot.code, text }
}
