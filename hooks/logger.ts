/** The interface of `logger_class`: a function that creates a logger, which replaces the error log. */

/** The argument of the function. */
export interface LoggerOptions {
  /** The lowest level that is logged. */
  readonly level: 'debug' | 'info' | 'warning' | 'error' | 'critical'
  /** The ranks of these levels, as `createLogger` of winston takes them. */
  readonly levels: Readonly<Record<LoggerOptions['level'], number>>
  /** The setting `errorlog`: an absolute path, or `-` for standard error. Nothing is opened there. */
  readonly errorlog: string
  /** The name in process titles. */
  readonly proc_name: string
}

/** The part of winston's interface that is used. */
export interface Logger {
  /** `meta.pid` is the process that the line is about: the arbiter, or one of its workers. */
  log(level: string, message: string, meta: { readonly pid: number }): unknown
  /** Set when `loglevel` changes. */
  level?: string
  /** The levels of the logger. If `critical` or `warning` is not one of them, the nearest level is used. */
  readonly levels?: object
  /** Called on `USR1`, and on `HUP`. */
  reopen?(): unknown
  /** Called at the end; the arbiter waits for at most a second. */
  end?(): unknown
}

/** Creates the logger; may be asynchronous. */
export type LoggerFactory = (options: LoggerOptions) => Logger | Promise<Logger>
