/**
 * The worker process: a program of its own. It listens to its arbiter and to signals, and knows first of all what to do
 * when the arbiter is gone.
 */
import { exitCodes } from './exit.ts'
import { tellArbiter } from './log.ts'
import type { Start, ToWorker } from './protocol.ts'
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
    case 'announce':
      return worker?.announce()
    case 'drain':
      return void worker?.drain(message)
    case 'quit':
      return void worker?.quit()
    case 'reopen':
      return void worker?.reopen()
    case 'renew':
      return void worker?.gate.renew(message.tls)
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

// The stack goes to standard error, where Node prints it; this one line is for the error log.
process.on('uncaughtExceptionMonitor', error => {
  if (process.listenerCount('uncaughtException') > 0) return
  const [first = ''] = String(error instanceof Error ? error.stack : error).split('\n')
  tellArbiter({ type: 'crashed', why: `uncaught ${first}` })
})

function start(message: Start): void {
  worker = new Worker(message)
  worker.boot().catch(async (error: unknown) => {
    const { bootFailure } = await import('./boot-failure.ts')
    const { code, ...failure } = await bootFailure(error, message.settings.app)
    tellArbiter({ type: 'failed', ...failure }, () => process.exit(code))
  })
}
