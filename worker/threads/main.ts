/**
 * The entry point of the main thread of a worker with threads. It runs no code of the app: it has the channel to the
 * arbiter, the signals, the heartbeat and the end of the process, and passes on what is told.
 */
import { openChannel, tellArbiter } from '../process/arbiter-channel.ts'
import { createLog, type WorkerLog } from '../process/log.ts'
import { endingSignals, harmlessSignals, logNoEffect } from '../process/signals.ts'
import { exitCodes } from '../protocol/exit-codes.ts'
import { arbiterVariable, threadsVariable } from '../protocol/frame.ts'
import { Crew } from './crew.ts'

/** `cache` is the folder for compiled code, if there is one. */
export function startThreads(cache: string | undefined): void {
  let crew: Crew | undefined
  let log: WorkerLog | undefined
  // Processes that the app starts are not workers.
  delete process.env[arbiterVariable]
  delete process.env[threadsVariable]
  openChannel({
    onMessage(message) {
      if (message?.type !== 'start') return crew?.tell(message)
      log = createLog(message.settings.loglevel)
      crew = new Crew(message, { log, cache, args: process.argv.slice(2) })
      crew.boot()
    },
    onLost() {
      if (crew === undefined) process.exit(exitCodes.ok.code)
      crew.orphaned()
    },
  })
  // The app may have listeners for these.
  for (const signal of harmlessSignals) {
    process.on(signal, () => {
      logNoEffect(signal, log)
      crew?.signal(signal)
    })
  }
  for (const signal of [...endingSignals, 'SIGABRT'] as const) {
    process.on(signal, () => {
      if (crew === undefined) tellArbiter({ type: 'leaving', why: `it was sent ${signal.slice(3)}` })
      else crew.signal(signal)
    })
  }
  // The arbiter may have been the reader of these pipes, and a broken pipe must not end a drain.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
}
