/** Writes lines to one open file, and keeps track of what is not written yet. */
import { fstatSync } from 'node:fs'
import type { SonicBoom } from 'sonic-boom'
import { monotonicNow } from '../protocol/scoreboard.ts'

/** Bytes per write to a file, which Linux appends undivided; larger batches save nothing. */
const filePieceBytes = 64 * 1024
/** Bytes per write to a pipe: PIPE_BUF on Linux. */
const pipePieceBytes = 4096
/** How many bytes may wait for a slow disk or reader; lines beyond that are dropped, and counted. */
const maxWaitingBytes = 16 * 1024 * 1024

/** How often an ending stream tries a full disk again, in milliseconds. */
const retryMs = 100

/** How long an ending stream waits for the reader of a pipe, in milliseconds. */
const readerMs = 2_000

export interface LogStreamOptions {
  /** Called each time writing fails. */
  readonly onError: (error: Error) => void
  /** Called with lines that do not fit into memory. */
  readonly onDrop: (lines: string) => void
  /** Called each time everything is written. */
  readonly onDrain: () => void
}

export class LogStream {
  /** The longest piece that always arrives undivided, in bytes. */
  readonly piece: number
  readonly #stream: SonicBoom
  /** The pieces that are not completely written, in order. */
  readonly #waiting: string[] = []
  /** How many bytes of the first piece are written. */
  #written = 0
  /** When to stop waiting for the reader of a pipe. */
  #until = Number.POSITIVE_INFINITY

  constructor(Stream: typeof SonicBoom, fd: number, { onError, onDrop, onDrain }: LogStreamOptions) {
    // `bigint` uses buffers of its own in Node. Up to 24.11, the plain numbers of a pipe or socket are left in a shared
    // buffer, and make the next import resolve a package that is a symbolic link, as all of pnpm's are, to the wrong
    // path.
    this.piece = fstatSync(fd, { bigint: true }).isFile() ? filePieceBytes : pipePieceBytes
    this.#stream = new Stream({
      fd,
      maxWrite: this.piece,
      maxLength: maxWaitingBytes,
      // Every 100 ms: without limit while the process lives, but not when it is about to exit.
      retryEAGAIN: () => monotonicNow() < this.#until,
    })
    this.#stream.on('error', onError)
    this.#stream.on('drain', onDrain)
    this.#stream.on('write', (bytes: number) => this.#note(bytes))
    this.#stream.on('drop', (lines: string) => {
      this.#waiting.pop()
      onDrop(lines)
    })
  }

  write(lines: string): void {
    this.#waiting.push(lines)
    this.#stream.write(lines)
  }

  /** Writes everything, and waits this long for the reader of a pipe. Throws when that fails. */
  flushSync(milliseconds: number): void {
    this.#until = monotonicNow() + milliseconds
    this.#stream.flushSync()
    this.#waiting.length = 0
  }

  /**
   * Writes everything and closes the file. Resolves with the lines that could not be written, after this many
   * milliseconds at the latest. With `retries`, a full disk is tried again until then; the reader of a pipe has 2 s.
   */
  end(milliseconds: number, { retries }: { readonly retries: boolean }): Promise<string> {
    const stream = this.#stream
    const until = monotonicNow() + milliseconds
    this.#until = monotonicNow() + Math.min(milliseconds, readerMs)
    return new Promise(resolve => {
      let retrying: NodeJS.Timeout | undefined
      const onError = ({ code }: NodeJS.ErrnoException) => {
        if (retries && code !== 'EAGAIN' && monotonicNow() < until)
          retrying = setTimeout(() => stream.write(''), retryMs)
        else finish()
      }
      const finish = () => {
        clearTimeout(timer)
        clearTimeout(retrying)
        stream.off('error', onError).off('close', finish)
        stream.destroy()
        resolve(this.#rest())
      }
      const timer = setTimeout(finish, milliseconds)
      stream.on('error', onError).once('close', finish)
      stream.end()
    })
  }

  #note(bytes: number): void {
    this.#written += bytes
    let done = 0
    for (const lines of this.#waiting) {
      const size = Buffer.byteLength(lines)
      if (size > this.#written) break
      this.#written -= size
      done += 1
    }
    this.#waiting.splice(0, done)
  }

  /** The unwritten lines, including one that is partly written. */
  #rest(): string {
    const all = Buffer.from(this.#waiting.join(''))
    const from = this.#written === 0 ? 0 : all.lastIndexOf('\n', this.#written - 1) + 1
    return all.subarray(from).toString()
  }
}

/** The number of lines in a text. */
export function countLines(lines: string): number {
  return lines.split('\n').length - 1
}
