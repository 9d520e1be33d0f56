/**
 * The error log of arbiter and workers: `[YYYY-MM-DD HH:MM:SS +ZZZZ] [pid] [LEVEL] message`, as in Gunicorn, or JSON.
 */
import { write } from 'node:fs'
import type { LogLevel } from '../../worker/protocol/messages.ts'
import { openLogFile } from '../../worker/sinks/log-file.ts'
import { formatLine, jsonLines, type LogFormat, logLine, printedLines, textOf } from './log-line.ts'

/** No method blocks or throws, whatever happens to the file. */
export interface ErrorLog {
  /** Logs in the name of `pid`; by default, of this process. */
  write(level: LogLevel, message: string, pid?: number): void
  debug(message: string): void
  info(message: string): void
  warning(message: string): void
  error(message: string): void
  critical(message: string): void
  /** Adds whole lines that a process printed; with its pid, each is a line of the log, whatever the level. */
  print(lines: string, pid?: number): void
  /** Opens the file of the configured name again; resolves when all earlier lines are in the old file. */
  reopen(): Promise<void>
  /** Switches to another file or stream; rejects, and keeps the old one, if the new one cannot be appended to. */
  moveTo(errorlog: string): Promise<void>
  /** Drops less severe lines from now on. */
  setLevel(level: LogLevel): void
  /** Sets the format of the lines to come. */
  setFormat(format: LogFormat): void
  /** Resolves when every line is written; later lines are ignored. */
  close(): Promise<void>
}

export interface ErrorLogOptions {
  /** A path, or `-` for standard error. */
  readonly errorlog: string
  readonly loglevel: LogLevel
  /** `text` by default. */
  readonly log_format?: LogFormat
  /** Gets every line that is logged, as text. */
  readonly echo?: ((lines: string) => void) | undefined
  /** Gets the same in parts. */
  readonly onLine?: (level: LogLevel, message: string, pid: number) => void
}

/** Opens the error log; rejects with one message for the user if the file cannot be appended to. */
export async function openErrorLog(options: ErrorLogOptions): Promise<ErrorLog> {
  const { errorlog, loglevel, echo, onLine } = options
  let form = options.log_format ?? 'text'
  let threshold = severities[loglevel]
  const openAt = (value: string) =>
    openLogFile({
      setting: 'errorlog',
      value,
      standard: 2,
      onTrouble(message) {
        if (value !== '-') mention(formatLine[form]({ level: 'error', message, pid: process.pid }))
        write('error', message)
      },
    })
  let place = errorlog
  let file = await openAt(place)
  let closing: Promise<void> | undefined

  function write(level: LogLevel, given: string, pid = process.pid): void {
    if (closing !== undefined || severities[level] > threshold) return
    const message = textOf(given)
    file.write(`${formatLine[form]({ level, message, pid })}\n`)
    echo?.(`${logLine({ level, message, pid })}\n`)
    onLine?.(level, message, pid)
  }

  async function moveTo(value: string): Promise<void> {
    if (value === place) return
    const before = file
    file = await openAt(value)
    place = value
    const next = file
    await before.close({ onUnwritten: lines => next.write(lines) })
  }

  return {
    write,
    print(lines, pid) {
      if (closing !== undefined) return
      if (pid !== undefined) tellPrinted(lines, pid, options)
      if (form === 'json') file.write(jsonLines(lines, pid))
      else file.write(pid === undefined ? lines : printedLines(lines, pid))
    },
    moveTo,
    debug: message => write('debug', message),
    info: message => write('info', message),
    warning: message => write('warning', message),
    error: message => write('error', message),
    critical: message => write('critical', message),
    reopen: () => file.reopen(),
    setLevel(level) {
      threshold = severities[level]
    },
    setFormat(format) {
      form = format
    },
    close() {
      closing ??= file.close()
      return closing
    },
  }
}

/** Tells the other readers of the log what a process has printed. */
function tellPrinted(
  lines: string,
  pid: number,
  { echo, onLine }: Pick<ErrorLogOptions, 'echo' | 'onLine'>,
): void {
  echo?.(printedLines(lines, pid))
  for (const message of lines.trimEnd().split('\n')) onLine?.('info', message, pid)
}

/** The most severe level has the smallest number, as in winston, whose loggers `logger_class` takes. */
export const severities: Readonly<Record<LogLevel, number>> = {
  critical: 0,
  error: 1,
  warning: 2,
  info: 3,
  debug: 4,
}

/** For trouble with the log itself: the last resort is standard error, which may be gone as well. */
export function mention(line: string): void {
  write(2, `${line}\n`, () => undefined)
}
