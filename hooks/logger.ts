/** What `logger_class` names: a function that makes a logger, which takes the place of the error log. */

/** What the function is called with. */
export interface LoggerOptions {
  /** The least important lines that are logged. */
  readonly level: 'debug' | 'info' | 'warning' | 'error' | 'critical'
  /** The ranks of these levels, as `createLogger` of winston takes them. */
  readonly levels: Readonly<Record<LoggerOptions['level'], number>>
  /** The setting `errorlog`: an absolute path, or `-` for standard error. Nothing is opened there. */
  readonly errorlog: string
  /** The name in process titles. */
  readonly proc_name: string
}

/** The interface of winston, as far as it is used. */
export interface Logger {
  /** `meta.pid` is the process that the line is about: the arbiter, or one of its workers. */
  log(level: string, message: string, meta: { readonly pid: number }): unknown
  /** Set when `loglevel` changes. */
  level?: string
  /** The levels that the logger knows. Where `critical` or `warning` is not one of them, the nearest one is taken. */
  readonly levels?: object
  /** Called on `USR1`, and on `HUP`. */
  reopen?(): unknown
  /** Called at the end; the arbiter waits for at most a second. */
  end?(): unknown
}

/** May be asynchronous. */
export type LoggerFactory = (options: LoggerOptions) => Logger | Promise<Logger>
