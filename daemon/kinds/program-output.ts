/**
 * Reads what a program prints, in lines. However much that is, it costs the arbiter a bounded share of time and memory:
 * a program that prints faster than is read has to wait, and of very many lines some are dropped and counted.
 */
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { printable } from '../logs/log-line.ts'
import { TokenBucket } from '../system/token-bucket.ts'
import { LineBudget } from './line-budget.ts'

export interface OutputListeners {
  /** A line to log, without its line end. */
  log(line: string): void
  /** All lines, whether they are logged or not. */
  see(lines: readonly string[]): void
  /** The program misbehaves; the text follows its name. */
  complain(text: string): void
}

/** The length at which a line is broken, in characters. */
const longest = 16 * 1_024

/** How many characters are read from a program, at once and per second. */
const readAtOnce = 4 * 1_024 * 1_024
const readPerSecond = 4 * 1_024 * 1_024

/** How long a pipe may stay open whose writers seem to be gone, in milliseconds. */
const lastWordsMs = 200

/** How many of the last lines are kept, and how much of each, for messages about its end. */
const keptLines = 10
const keptLength = 500

export class ProgramOutput {
  readonly #listeners: OutputListeners
  readonly #bytes = new TokenBucket(readAtOnce, readPerSecond)
  readonly #lines: LineBudget
  readonly #streams: Readable[] = []
  readonly #ends: Promise<void>[] = []
  #last: string[] = []
  #hasEnded = false

  constructor(listeners: OutputListeners) {
    this.#listeners = listeners
    this.#lines = new LineBudget('prints', text => listeners.complain(text))
  }

  /** Its last lines, indented, to follow a message; empty if it has printed nothing. */
  get lastLines(): string {
    return this.#last.map(line => `\n    ${line}`).join('')
  }

  read(stream: Readable): void {
    this.#streams.push(stream)
    let rest = ''
    stream.on('error', () => undefined)
    stream.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() as string
      for (; rest.length > longest; rest = rest.slice(longest)) lines.push(rest.slice(0, longest))
      this.#take(lines)
      const wait = this.#bytes.spend(text.length)
      if (wait === 0 || this.#hasEnded) return
      stream.pause()
      setTimeout(() => stream.resume(), wait).unref()
    })
    const end = Promise.withResolvers<void>()
    this.#ends.push(end.promise)
    stream.once('close', () => {
      this.#take([rest])
      rest = ''
      end.resolve()
    })
  }

  #take(texts: readonly string[]): void {
    const lines = texts.map(text => printable(text.replace(/\r$/, ''))).filter(line => line.trim() !== '')
    if (lines.length === 0) return
    this.#last = [...this.#last, ...lines.slice(-keptLines).map(line => line.slice(0, keptLength))]
    this.#last = this.#last.slice(-keptLines)
    this.#listeners.see(lines)
    for (const line of lines) if (this.#lines.take(line.length)) this.#listeners.log(line)
  }

  /** The program has ended: what it has printed last is read without delay. */
  finish(): void {
    this.#hasEnded = true
    for (const stream of this.#streams) stream.resume()
  }

  /** Resolves when all has been read that it and its children have printed, at the latest after a moment. */
  async ended(): Promise<void> {
    await Promise.race([Promise.all(this.#ends), sleep(lastWordsMs, undefined, { ref: false })])
  }

  close(): void {
    this.#lines.report()
    for (const stream of this.#streams) stream.destroy()
  }
}
