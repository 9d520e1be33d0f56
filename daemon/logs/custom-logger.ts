/** The error log with a logger that the function in `logger_class` makes. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../hooks/logger.ts'
import { stackOf } from '../../hooks/thrown.ts'
import { type LogLevel, logLevels } from '../../worker/protocol/messages.ts'
import { type ErrorLog, type ErrorLogOptions, mention, severities } from './error-log.ts'
import { logLine, textOf } from './log-line.ts'
import { kindOf, loadFactory } from './logger-factory.ts'

export interface OwnLogOptions extends ErrorLogOptions {
  readonly logger_class: string
  /** The folder that paths are relative to. */
  readonly chdir: string
  /** The name in process titles. */
  readonly name: string
}

/** How long the logger may take to close, in milliseconds. */
const endMs = 1_000

/** Rejects with one message for the user if there is no such function, or if it does not return a logger. */
export async function openOwnLog(options: OwnLogOptions): Promise<ErrorLog> {
  const { loglevel, echo, onLine } = options
  const logger = await make(options)
  const names = namesFor(logger)
  let threshold = logLevels.indexOf(loglevel)
  let closing: Promise<void> | undefined
  const complain = (error: unknown) =>
    mention(logLine({ level: 'error', message: `logger_class failed: ${String(error)}`, pid: process.pid }))
  // Without a listener, a failing stream would end the arbiter.
  if (isStream(logger)) logger.on('error', complain)

  function write(level: LogLevel, given: string, pid = process.pid): void {
    if (closing !== undefined || logLevels.indexOf(level) < threshold) return
    const message = textOf(given)
    attempt(() => logger.log(names[level], message.trimEnd(), { pid }))
    echo?.(`${logLine({ level, message, pid })}\n`)
    onLine?.(level, message, pid)
  }

  async function attempt(action: () => unknown): Promise<void> {
    try {
      await action()
    } catch (error) {
      complain(error)
    }
  }

  return {
    write,
    print: (lines, pid = process.pid) => attempt(() => logger.log(names.info, lines.trimEnd(), { pid })),
    // Only the logger knows where and how it writes.
    moveTo: async () => undefined,
    setFormat: () => undefined,
    debug: message => write('debug', message),
    info: message => write('info', message),
    warning: message => write('warning', message),
    error: message => write('error', message),
    critical: message => write('critical', message),
    reopen: () => attempt(() => logger.reopen?.()),
    setLevel(level) {
      threshold = logLevels.indexOf(level)
      void attempt(() => {
        if ('level' in logger) logger.level = names[level]
      })
    },
    close() {
      closing ??= attempt(() => end(logger))
      return closing
    },
  }
}

async function make({ logger_class, chdir, loglevel, errorlog, name }: OwnLogOptions): Promise<Logger> {
  const factory = await loadFactory(logger_class, chdir)
  const what = `logger_class ${JSON.stringify(logger_class)}`
  const options = { level: loglevel, levels: severities, errorlog, proc_name: name }
  const made: unknown = await Promise.resolve(options)
    .then(factory)
    .catch((error: unknown) => {
      throw new Error(`Cannot use ${what}: it threw ${stackOf(error)}`, { cause: error })
    })
  if (typeof (made as Partial<Logger> | null)?.log === 'function') return made as Logger
  throw new Error(`Cannot use ${what}: it returned ${kindOf(made)} without a method log(level, message)`)
}

const nearest: Readonly<Record<LogLevel, readonly string[]>> = {
  critical: ['critical', 'crit', 'fatal', 'error'],
  error: ['error', 'err'],
  warning: ['warning', 'warn'],
  info: ['info'],
  debug: ['debug'],
}

/** The logger's own name of each level: winston drops lines of a level that it does not know. */
function namesFor({ levels }: Logger): Readonly<Record<LogLevel, string>> {
  const isKnown = (name: string) => levels === undefined || Object.hasOwn(levels, name)
  return Object.fromEntries(logLevels.map(level => [level, nearest[level].find(isKnown) ?? level])) as Record<
    LogLevel,
    string
  >
}

/** A winston logger is a stream, and so are its transports, which it ends. */
async function end(logger: Logger): Promise<void> {
  const { transports } = logger as { readonly transports?: unknown }
  const streams = [logger, ...(Array.isArray(transports) ? transports : [])].filter(isStream)
  const finished = Promise.all(streams.map(stream => once(stream, 'finish')))
  await Promise.race([Promise.all([logger.end?.(), finished]), sleep(endMs)])
}

function isStream(value: unknown): value is NodeJS.WritableStream {
  const { on, once, end } = Object(value) as Partial<NodeJS.WritableStream>
  return [on, once, end].every(method => typeof method === 'function')
}
