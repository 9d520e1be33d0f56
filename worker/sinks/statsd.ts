/** Metrics for statsd over UDP. */
import type { StatsdTarget } from '../protocol/messages.ts'
import { Udp } from './udp.ts'

/** The payload that fits into one packet on every network, in bytes. */
const maxPacketBytes = 1_432

/** How long metrics are collected before they are sent, in milliseconds. */
const batchMs = 100

/** Collects metrics into datagrams, one on each line; counts are summed up meanwhile. Never blocks, never throws. */
export class Statsd {
  readonly #udp: Udp
  readonly #prefix: string
  readonly #tags: string
  readonly #counts = new Map<string, number>()
  #pending = ''
  #timer: NodeJS.Timeout | undefined

  constructor({ host, port, text, prefix, tags }: StatsdTarget, onTrouble: (message: string) => void) {
    this.#udp = new Udp(host, port, { name: `statsd_host ${JSON.stringify(text)}`, onTrouble })
    this.#prefix = prefix === '' || prefix.endsWith('.') ? prefix : `${prefix}.`
    this.#tags = tags === '' ? '' : `|#${tags}`
  }

  increment(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
    this.#sendSoon()
  }

  /** Milliseconds. */
  timing(name: string, duration: number): void {
    this.#add(`${name}:${Math.round(duration * 1_000) / 1_000}|ms`)
  }

  gauge(name: string, value: number): void {
    this.#add(`${name}:${value}|g`)
  }

  histogram(name: string, value: number): void {
    this.#add(`${name}:${value}|h`)
  }

  readonly flush = (): void => {
    for (const [name, count] of this.#counts) this.#add(`${name}:${count}|c|@1.0`)
    this.#counts.clear()
    this.#send()
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  async close(): Promise<void> {
    this.flush()
    await this.#udp.close()
  }

  #add(metric: string): void {
    const line = `${this.#prefix}${metric}${this.#tags}`
    if (this.#pending.length + line.length + 1 > maxPacketBytes) this.#send()
    this.#pending += this.#pending === '' ? line : `\n${line}`
    this.#sendSoon()
  }

  #sendSoon(): void {
    this.#timer ??= setTimeout(this.flush, batchMs).unref()
  }

  #send(): void {
    if (this.#pending !== '') this.#udp.send(this.#pending)
    this.#pending = ''
  }
}
