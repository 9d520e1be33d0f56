/** Lines on their way to one open file, and what of them has not arrived. */
import { fstatSync } from 'node:fs'
import type { SonicBoom } from 'sonic-boom'

/** Bytes that Linux appends to a file in one go; larger batches save nothing. */
const filePieceBytes = 64 * 1024
/** PIPE_BUF of Linux. */
const pipePieceBytes = 4096
/** Bytes that may wait for a slow disk or reader before lines are dropped, and counted. */
const maxWaitingBytes = 16 * 1024 * 1024

/** How often a full disk is tried again by a stream that is to end, in milliseconds. */
const retryMs = 100

/** How long the reader of a pipe is waited for by a stream that is to end, in milliseconds. */
const readerMs = 2_000

export interface LogStreamOptions {
  /** Hears each time that writing fails. */
  readonly onError: (error: Error) => void
  /** Hears of lines for which there is no room in memory. */
  readonly onDrop: (lines: string) => void
  /** Hears each time that everything that waited is written. */
  readonly onDrain: () => void
}

export class LogStream {
  /** The longest piece, in bytes, that is sure to arrive undivided. */
  readonly piece: number
  readonly #stream: SonicBoom
  /** What was handed over and is not written whole, in order. */
  readonly #waiting: string[] = []
  /** How many bytes of the first of them are written. */
  #written = 0
  /** When to stop waiting for the reader of a pipe. */
  #until = Number.POSITIVE_INFINITY

  constructor(Stream: typeof SonicBoom, fd: number, { onError, onDrop, onDrain }: LogStreamOptions) {
    // `bigint` has buffers of its own in Node: up to 24.11, plain numbers of a pipe or socket that stay behind make the
    // next import take a package that is a symbolic link, as pnpm has them all, by the wrong path.
    this.piece = fstatSync(fd, { bigint: true }).isFile() ? filePieceBytes : pipePieceBytes
    this.#stream = new Stream({
      fd,
      maxWrite: this.piece,
      maxLength: maxWaitingBytes,
      // Every 100 ms: for as long as it takes while the process lives, not for ever when it wants to leave.
      retryEAGAIN: () => performance.now() < this.#until,
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

  /** Writes what waits, and waits for the reader of a pipe for so long. Throws where that is not possible. */
  flushSync(milliseconds: number): void {
    this.#until = performance.now() + milliseconds
    this.#stream.flushSync()
    this.#waiting.length = 0
  }

  /**
   * Writes what waits, and closes the file; resolves with the lines that did not arrive, after so many milliseconds at
   * the latest. With `retries` a disk that is full is tried again until then; the reader of a pipe has 2 s.
   */
  end(milliseconds: number, { retries }: { readonly retries: boolean }): Promise<string> {
    const stream = this.#stream
    const until = performance.now() + milliseconds
    this.#until = performance.now() + Math.min(milliseconds, readerMs)
    return new Promise(resolve => {
      let retrying: NodeJS.Timeout | undefined
      const onError = ({ code }: NodeJS.ErrnoException) => {
        if (retries && code !== 'EAGAIN' && performance.now() < until)
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

  /** Whole lines: one that is written in part is among them. */
  #rest(): string {
    const all = Buffer.from(this.#waiting.join(''))
    const from = this.#written === 0 ? 0 : all.lastIndexOf('\n', this.#written - 1) + 1
    return all.subarray(from).toString()
  }
}

/** How many lines these are. */
export function countLines(lines: string): number {
  return lines.split('\n').length - 1
}
