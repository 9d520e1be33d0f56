/** The log of a worker: its lines go to the arbiter, which owns the error log. */
import { inspect } from 'node:util'
import { truncate } from '../protocol/frame.ts'
import { type LogLevel, logLevels } from '../protocol/messages.ts'
import { tellArbiter } from './arbiter-channel.ts'

export interface WorkerLog {
  write(level: LogLevel, message: string): void
  debug(message: string): void
  info(message: string): void
  warning(message: string): void
  error(message: string): void
  critical(message: string): void
}

/** A log that drops lines below `threshold`; when the arbiter is gone, lines go to standard error. */
export function createLog(threshold: LogLevel): WorkerLog {
  const lowest = logLevels.indexOf(threshold)
  const write = (level: LogLevel, text: unknown) => {
    if (logLevels.indexOf(level) < lowest) return
    // Hooks get this log too, and may pass anything.
    const message = truncate(typeof text === 'string' ? text : inspect(text))
    if (!tellArbiter({ type: 'log', level, message }))
      process.stderr.write(`[${level.toUpperCase()}] ${message}\n`)
  }
  return {
    write,
    debug: message => write('debug', message),
    info: message => write('info', message),
    warning: message => write('warning', message),
    error: message => write('error', message),
    critical: message => write('critical', message),
  }
}
