/** The errors that keep a worker from booting. */

/** The app cannot be used as it was named: a bad spec, a missing export, a wrong shape. The worker ends with code 4. */
export class AppError extends Error {
  override readonly name: string = 'AppError'
}

/** The app listens on other addresses than tsicorn, and only the app says where. */
export class Elsewhere extends AppError {
  override readonly name = 'Elsewhere'
  /** Where, in the form of `bind`. */
  readonly binds: readonly string[]

  constructor(where: string, binds: readonly string[]) {
    super(`The app listens on ${where}, and tsicorn does not`)
    this.binds = binds
  }
}

/** The file or package that the spec names does not exist. The worker ends with code 3, as when an import fails. */
export class AppMissing extends Error {
  override readonly name = 'AppMissing'
}

/** The app, in another language, threw while it was imported; the message has its stack. Ends with code 3. */
export class AppFailed extends Error {
  override readonly name = 'AppFailed'
}

/** The kernel refused the app's own `listen` on an inherited socket; `cause` is Node's error. */
export class BindFailed extends Error {
  override readonly name = 'BindFailed'
}

/** The access log cannot be opened. Nothing is wrong with the app: a first start ends with code 1. */
export class LogFailed extends Error {
  override readonly name = 'LogFailed'
}

/** TLS cannot be set up from the settings or the hook `ssl_context`. The worker ends with code 3. */
export class TlsFailed extends Error {
  override readonly name = 'TlsFailed'
}

/** The worker was not ready in time, and its app still loads. The worker ends with code 3. */
export class NotReady extends Error {
  override readonly name = 'NotReady'
}
