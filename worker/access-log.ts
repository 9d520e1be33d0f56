import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { atomsOf, compileFormat, type Entry } from './access-format.ts'
import { Exchange, needsOf } from './exchange.ts'
import { type LogFile, openLogFile } from './log-file.ts'
import { onEnd } from './response-end.ts'

/**
 * The access log of one worker: one line for each request, written when its response has ended or its client has left.
 *
 * A client that left in the middle of a response is logged with the status that it was sent; one that left before any
 * response was sent, with 499, as nginx does it.
 */
export interface AccessLog {
  /** Call when a request arrives, before the app sees it. */
  watch(req: IncomingMessage, res: ServerResponse): void
  /**
   * Logs a request that was answered before it could be understood: a malformed one, or one that took too long. Where
   * the refusal went out in the place of a response, it is the status of that one's request.
   */
  refused(socket: Socket, status: number, response?: ServerResponse): void
  /** Goes on in the file that has the configured name now; resolves when all earlier lines are in the old one. */
  reopen(): Promise<void>
  /** Logs what is unfinished as it stands; resolves when every line is written. Later lines are ignored. */
  close(): Promise<void>
}

export interface AccessLogOptions {
  /** A path, or `-` for standard output. */
  readonly accesslog: string
  readonly access_log_format: string
  /** Hears of trouble with the file after it was opened. */
  readonly onError: (message: string) => void
}

/** Opens the access log; rejects with one message for the user when the file or the format cannot be used. */
export async function openAccessLog(options: AccessLogOptions): Promise<AccessLog> {
  const { accesslog, access_log_format, onError } = options
  const print = compileFormat(access_log_format)
  const needs = needsOf(atomsOf(access_log_format))
  const file = await openLogFile({
    setting: 'accesslog',
    value: accesslog,
    standard: 1,
    onTrouble: onError,
  })
  const batch = new Batch(file)
  const log = (entry: Entry) => batch.add(`${print(entry)}\n`)
  const unfinished = new Map<ServerResponse, Exchange>()
  const end = (res: ServerResponse) => {
    const exchange = unfinished.get(res)
    if (exchange === undefined) return
    unfinished.delete(res)
    log(exchange.end())
  }
  const endAll = () => {
    for (const res of unfinished.keys()) end(res)
  }
  // These listeners run before the one that makes the file write what it has.
  process.prependListener('exit', batch.flush)
  process.prependListener('exit', endAll)

  return {
    watch(req, res) {
      unfinished.set(res, new Exchange(req, res, needs))
      onEnd(req, res, () => end(res))
    },
    refused(socket, status, response) {
      const exchange = response && unfinished.get(response)
      if (exchange === undefined) log(refusal(socket, status))
      else exchange.refuse(status)
    },
    async reopen() {
      batch.flush()
      await file.reopen()
    },
    async close() {
      endAll()
      batch.close()
      process.off('exit', endAll)
      process.off('exit', batch.flush)
      await file.close()
    },
  }
}

function refusal(socket: Socket, status: number): Entry {
  return {
    remoteAddress: socket.remoteAddress ?? '',
    remotePort: socket.remotePort,
    status,
    bytes: 0,
    duration: 0,
    time: Date.now(),
    responseHeader: () => undefined,
  }
}

/** Collects lines for a quarter of a second, or until a piece is full. */
class Batch {
  readonly #file: LogFile
  #lines = ''
  #size = 0
  #timer: NodeJS.Timeout | undefined

  constructor(file: LogFile) {
    this.#file = file
  }

  add(line: string): void {
    const size = Buffer.byteLength(line)
    if (this.#size + size > this.#file.piece) this.flush()
    this.#lines += line
    this.#size += size
    this.#timer ??= setTimeout(this.#due, 250).unref()
  }

  readonly flush = (): void => {
    if (this.#size === 0) return
    this.#file.write(this.#lines)
    this.#lines = ''
    this.#size = 0
  }

  close(): void {
    this.flush()
    clearTimeout(this.#timer)
  }

  /** Nothing to write, no timer: an idle worker is not woken. */
  readonly #due = (): void => {
    this.#timer = this.#size === 0 ? undefined : setTimeout(this.#due, 250).unref()
    this.flush()
  }
}
