/** Metrics for statsd over UDP. */
import type { StatsdTarget } from '../protocol/messages.ts'
import { Udp } from './udp.ts'

/** The payload that fits into one packet on every network, in bytes. */
const maxPacketBytes = 1_432

/** How long metrics are collected before they are sent, in milliseconds. */
const batchMs = 100

/** Collects metrics into datagrams, one on each line. Never blocks, never throws. */
export class Statsd {
  readonly #udp: Udp
  readonly #prefix: string
  readonly #tags: string
  #pending = ''
  #timer: NodeJS.Timeout | undefined

  constructor({ host, port, text, prefix, tags }: StatsdTarget, onTrouble: (message: string) => void) {
    this.#udp = new Udp(host, port, { name: `statsd_host ${JSON.stringify(text)}`, onTrouble })
    this.#prefix = prefix === '' || prefix.endsWith('.') ? prefix : `${prefix}.`
    this.#tags = tags === '' ? '' : `|#${tags}`
  }

  increment(name: string): void {
    this.#add(`${name}:1|c|@1.0`)
  }

  /** Milliseconds. */
  timing(name: string, duration: number): void {
    this.#add(`${name}:${Number(duration.toFixed(3))}|ms`)
  }

  gauge(name: string, value: number): void {
    this.#add(`${name}:${value}|g`)
  }

  histogram(name: string, value: number): void {
    this.#add(`${name}:${value}|h`)
  }

  readonly flush = (): void => {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#pending === '') return
    this.#udp.send(this.#pending)
    this.#pending = ''
  }

  async close(): Promise<void> {
    this.flush()
    await this.#udp.close()
  }

  #add(metric: string): void {
    const line = `${this.#prefix}${metric}${this.#tags}`
    if (this.#pending.length + line.length + 1 > maxPacketBytes) this.flush()
    this.#pending += this.#pending === '' ? line : `\n${line}`
    this.#timer ??= setTimeout(this.flush, batchMs).unref()
  }
}
