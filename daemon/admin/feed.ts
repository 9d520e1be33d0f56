/**
 * The feed of the status page: server-sent events, once a second what `show all` says, and what has happened. All who
 * watch get the same text. One that does not read is left out until it has, and then cut.
 */
import type { ServerResponse } from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FeedMessage } from '../../control/protocol/messages.ts'
import { everythingAsText } from '../control/snapshot.ts'
import type { JournalEvent } from '../logs/journal.ts'
import type { AdministeredServer } from '../metrics/counters.ts'

/** How many may watch, and how often one may be left out before it is cut. */
export const mostWatchers = 16
const mostSkips = 10

/** How often they are told, how soon of an event, and how long events are kept for those who come again, in ms. */
const tellMs = (workers: number) => (workers <= 256 ? 1_000 : 5_000)
const eventMs = 100
const keepMs = 30_000

/** How soon after the others one that has come is told, in milliseconds. */
const freshMs = 250

/** How many events are kept, and how long their texts may be. */
const mostEvents = 100
const longestText = 1_000

/** Longer messages are given to one that watches in each turn of the loop, in bytes. */
const longMessage = 100_000

interface Watcher {
  /** The number of the last event that it has been told. */
  told: number
  skipped: number
}

type Told = JournalEvent & { readonly at: number }

export class Feed {
  readonly #server: AdministeredServer
  readonly #version: string
  readonly #hasToken: boolean
  readonly #watchers = new Map<ServerResponse, Watcher>()
  /** The latest events; the last of them has the number `#count`. */
  readonly #events: Told[] = []
  #count = 0
  #unfollow: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  #eventTimer: NodeJS.Timeout | undefined
  /** When everyone was told, in milliseconds of the monotonic clock. */
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(server: AdministeredServer, version: string, hasToken: boolean) {
    this.#server = server
    this.#version = version
    this.#hasToken = hasToken
  }

  get isFull(): boolean {
    return this.#watchers.size >= mostWatchers
  }

  /** Adds one that watches; `lastId` is the last that it has heard of this feed, or of another one. */
  add(res: ServerResponse, lastId: string | undefined): void {
    // It may have left while the page was loaded.
    if (res.destroyed) return
    const [pid, told] = (lastId ?? '').split('.').map(Number)
    const known = pid === process.pid && told !== undefined && told <= this.#count ? told : 0
    this.#unfollow ??= this.#server.journal.follow(event => this.#hear(event))
    this.#watchers.set(res, { told: known, skipped: 0 })
    // It is quiet for longer than other clients may be.
    res.socket?.setTimeout(0)
    res.once('close', () => this.#remove(res))
    // `close` follows it.
    res.on('error', () => undefined)
    res.writeHead(200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      'X-Accel-Buffering': 'no',
    })
    res.write('retry: 1000\n\n')
    this.#schedule(Math.max(0, this.#toldAt + freshMs - performance.now()))
  }

  #remove(res: ServerResponse): void {
    this.#watchers.delete(res)
    if (this.#watchers.size === 0) this.#schedule(keepMs)
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#turn(), ms).unref()
  }

  async #turn(): Promise<void> {
    if (this.#watchers.size === 0) return this.#stop()
    this.#toldAt = performance.now()
    // What cannot be read now is told the next time.
    const answer = await everythingAsText(this.#server, this.#version).catch(() => undefined)
    if (answer !== undefined) await this.#tell(answer)
    // The last one may have left meanwhile.
    if (this.#watchers.size > 0) this.#schedule(tellMs(this.#server.fleet.workers.length))
  }

  #stop(): void {
    this.#unfollow?.()
    this.#unfollow = undefined
    this.#events.length = 0
  }

  #hear(event: JournalEvent): void {
    this.#events.push({ ...event, at: Date.now() })
    this.#count += 1
    if (this.#events.length > mostEvents) this.#events.shift()
    this.#eventTimer ??= setTimeout(() => {
      this.#eventTimer = undefined
      void this.#tell(undefined)
    }, eventMs).unref()
  }

  /** Tells everyone what they have not heard, and this answer, if there is one; a long one, one after the other. */
  async #tell(answer: Buffer | undefined): Promise<void> {
    const texts = new Map<string, Buffer>()
    for (const [res, watcher] of [...this.#watchers]) {
      if (!this.#watchers.has(res)) continue
      if (res.writableLength > 0) {
        if (answer !== undefined) this.#skip(res, watcher)
        continue
      }
      const key = `${watcher.told} ${this.#count}`
      const text = texts.get(key) ?? this.#message(answer, watcher.told)
      texts.set(key, text)
      watcher.told = this.#count
      watcher.skipped = 0
      res.write(text)
      if (text.length > longMessage) await nextTurn()
    }
  }

  #skip(res: ServerResponse, watcher: Watcher): void {
    watcher.skipped += 1
    if (watcher.skipped <= mostSkips) return
    this.#remove(res)
    res.destroy()
  }

  #message(answer: Buffer | undefined, told: number): Buffer {
    const unheard = this.#events.slice(Math.max(0, this.#events.length - (this.#count - told)))
    const rest: FeedMessage = { events: unheard, has_token: this.#hasToken }
    const text = JSON.stringify(rest, (_, value: unknown) =>
      typeof value === 'string' ? value.slice(0, longestText) : value,
    )
    const start = `id: ${process.pid}.${this.#count}\ndata: `
    if (answer === undefined) return Buffer.from(`${start}${text}\n\n`)
    return Buffer.concat([Buffer.from(`${start}{"answer":`), answer, Buffer.from(`,${text.slice(1)}\n\n`)])
  }
}
