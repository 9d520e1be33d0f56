/** The entry point of the worker process: connects it to its arbiter, handles signals, and boots the worker. */
import { inspect } from 'node:util'
import { isMainThread } from 'node:worker_threads'
import { entryFile } from '../hooks/own-files.ts'
import { isError, stackOf } from '../hooks/thrown.ts'
import { coverFetch } from './fetch/early.ts'
import { emulateParentChannel } from './process/app-channel.ts'
import { tellAppMetrics } from './process/app-metrics.ts'
import { isLastSignal } from './process/app-shutdown.ts'
import { openChannel, tellArbiter, tellSync } from './process/arbiter-channel.ts'
import { createLog, type WorkerLog } from './process/log.ts'
import { harmlessSignals, interceptSignals, logNoEffect } from './process/signals.ts'
import { NotReady } from './protocol/boot-error.ts'
import { exitCodes } from './protocol/exit-codes.ts'
import { arbiterVariable, truncate } from './protocol/frame.ts'
import type { Start, ToWorker } from './protocol/messages.ts'
import { Worker } from './worker.ts'

export { appMayRun } from './app/main-module.ts'

/** Of an error that ends the process, in characters: it must be written at once. */
const longestStack = 8 * 1024

let worker: Worker | undefined
/** As it was named. */
let app = ''
let log: WorkerLog | undefined
let disconnectApp: (() => void) | undefined

// Before the app, and hooks.
coverFetch()

// Processes that the app starts are not workers.
delete process.env[arbiterVariable]
const own = process.execArgv.indexOf(`--import=${entryFile('worker/preload').href}`)
if (own !== -1) process.execArgv.splice(own, 1)

openChannel({
  onMessage,
  onLost() {
    if (worker === undefined) process.exit(exitCodes.ok.code)
    worker.orphaned()
    disconnectApp?.()
  },
})

function onMessage(message: ToWorker): void {
  switch (message?.type) {
    case 'start':
      return start(message)
    case 'announce':
      return worker?.announce()
    case 'drain':
      return void worker?.drain(message)
    case 'cancel':
      return void worker?.cancel()
    case 'give up':
      if (worker?.mayFinish) void failBoot(new NotReady(message.why))
      return
    case 'quit':
      return void worker?.quit()
    case 'reopen':
      return void worker?.reopen()
    case 'measure':
      return void (log && tellAppMetrics(message.turn, log))
    case 'renew':
      return void worker?.transport.renew(message.tls)
  }
}

// These may be sent to the whole process group, and must not end a worker. For its threads, the main thread does it.
if (isMainThread) for (const signal of harmlessSignals) process.on(signal, () => logNoEffect(signal, log))
interceptSignals(signal => {
  if (isLastSignal()) return
  if (signal !== 'SIGTERM') void worker?.quit()
  else if (!tellArbiter({ type: 'leaving', why: 'it was sent TERM' })) worker?.orphaned()
})
process.on('SIGABRT', () => void worker?.abort())

// Node prints the stack to standard error; this line is for the error log.
process.on('uncaughtExceptionMonitor', error => {
  if (process.listenerCount('uncaughtException') > 0) return
  const thrown = isError(error) ? stackOf(error) : error
  // Not every object can be converted to a string.
  const text = typeof thrown === 'object' ? inspect(thrown) : String(thrown)
  const [first = ''] = text.split('\n')
  tellSync({ type: 'crashed', why: truncate(`uncaught ${first}`), stack: text.slice(0, longestStack) })
})

function start(message: Start): void {
  log = createLog(message.settings.loglevel)
  disconnectApp = emulateParentChannel(log)
  worker = new Worker(message)
  app = message.settings.app
  worker.boot().catch(failBoot)
}

/** Ends a worker that does not get ready, after what it has accepted. */
async function failBoot(error: unknown): Promise<void> {
  // The worker was told to leave, and so was the app.
  if (worker?.isLeaving === true) return
  const { bootFailure } = await import('./boot-failure.ts')
  const { code, ...failure } = await bootFailure(error, app)
  const told = { ...failure, message: truncate(failure.message) }
  await new Promise<void>(resolve => tellArbiter({ type: 'failed', ...told }, resolve))
  await worker?.giveUp()
  process.exit(code)
}
