/** A Python host and the requests that it has: passes them on, and its answers back. */
import type { WorkerLog } from '../process/log.ts'
import {
  abortFrame,
  bodyFrame,
  brokenFlag,
  endFrame,
  type FrameStart,
  failedFrame,
  finalFlag,
  frameOf,
  headFrame,
  hintsFrame,
  lastFrame,
  pullFrame,
  requestFrame,
  storedFlag,
  wholeFlag,
} from '../python/frame.ts'
import type { HostProcess } from '../python/host-process.ts'
import type { StoredPiece } from '../python/store.ts'
import { cut, endWith, fail, writeHead, writeHints, writePiece } from './answer.ts'
import { type FrameListener, ThreadChannel } from './channel.ts'
import { isWanted, type Job, nameOf } from './job.ts'
import { Pace } from './pace.ts'
import { startUpload } from './upload.ts'

export interface HostParts {
  readonly threads: number
  readonly log: WorkerLog
  readonly describe: (job: Job) => string
  /** The setting `request_id_header`, in small letters. */
  readonly idHeader: string | undefined
  /** It has room for another request. */
  readonly onRoom: () => void
}

export class Host implements FrameListener {
  readonly process: HostProcess
  readonly #parts: HostParts
  readonly #jobs = new Map<number, Job>()
  /** Those that no thread can have begun: threads take them in their order. */
  readonly #ahead = new Set<Job>()
  #begun = 0
  #numbers = 0
  /** What goes to the queue at the end of this turn of the event loop. */
  readonly #frames: Buffer[] = []
  readonly #pace = new Pace(performance.now())
  #stored: StoredPiece | undefined
  /** It gets no more requests, and is killed when nobody waits for those it has. */
  isRetired = false
  /** Its threads are being looked at. */
  isExamined = false
  /** It has answered a request. */
  hasAnswered = false

  constructor(hostProcess: HostProcess, parts: HostParts) {
    this.process = hostProcess
    this.#parts = parts
    for (const socket of hostProcess.channels) new ThreadChannel(socket, this)
  }

  get hasRoom(): boolean {
    return (
      !this.isRetired && !this.process.hasEnded && this.#jobs.size < this.#parts.threads + this.#pace.ahead
    )
  }

  /** The requests that it has, in order. */
  get jobs(): Iterable<Job> {
    return this.#jobs.values()
  }

  /** Those that no thread can have begun. */
  get unbegun(): Iterable<Job> {
    return this.#ahead
  }

  /** The share of its threads that serve, from 0 to 1. */
  get busy(): number {
    return this.#begun / this.#parts.threads
  }

  /** Whether a client waits for what its threads do. */
  get isAwaited(): boolean {
    return this.#isAny(job => !job.isGone)
  }

  /** Whether all threads have requests whose clients wait no more. */
  get isLost(): boolean {
    return this.#begun >= this.#parts.threads && !this.isAwaited
  }

  /** Of those that threads have. */
  #isAny(isTrue: (job: Job) => boolean): boolean {
    for (const job of this.#jobs.values()) if (!this.#ahead.has(job) && isTrue(job)) return true
    return false
  }

  take(job: Job): void {
    const { threads, describe } = this.#parts
    this.#numbers = (this.#numbers + 1) >>> 0
    job.number = this.#numbers
    this.#jobs.set(job.number, job)
    if (this.#begun < threads) this.#begin(job)
    else this.#ahead.add(job)
    const head = describe(job)
    const { body } = job
    this.#send(
      body === undefined
        ? frameOf(requestFrame, job.number, { head })
        : frameOf(requestFrame, job.number, { flags: wholeFlag, head, body }),
    )
  }

  /** What arrives in one turn of the event loop goes out in one piece, as long as Python has something to do. */
  #send(frame: Buffer): void {
    const { queue } = this.process
    if (this.#frames.length === 0) {
      if (this.#jobs.size <= this.#parts.threads) return void queue.write(frame)
      setImmediate(() => queue.write(Buffer.concat(this.#frames.splice(0))))
    }
    this.#frames.push(frame)
  }

  /** Takes back what no thread has begun, when the process has ended; the others are returned as lost. */
  bury(): { readonly lost: readonly Job[]; readonly unbegun: readonly Job[] } {
    const unbegun = [...this.#ahead]
    const lost = [...this.#jobs.values()].filter(job => !this.#ahead.has(job))
    this.#jobs.clear()
    this.#ahead.clear()
    for (const job of unbegun) job.number = 0
    return { lost, unbegun }
  }

  /** The client of this request waits no more: the app hears of it when it reads or writes. */
  abandon(job: Job): void {
    job.isGone = true
    job.since = 0
    job.upload?.stop(abortFrame)
    job.channel?.tell(abortFrame, job.number)
    job.channel?.resume()
  }

  frame({ kind, flags, number }: FrameStart, head: Buffer, channel: ThreadChannel): void {
    const job = this.#jobs.get(number)
    let text = head
    // Also where nobody wants it any more: the thread waits for its place.
    if ((kind === headFrame || kind === bodyFrame) && flags & storedFlag)
      text = this.#takeStored(head, number, channel)
    if (job === undefined) {
      if (kind === failedFrame) this.#parts.log.error(`A request failed after its answer: ${head.toString()}`)
      return
    }
    const isFirst = job.channel === undefined
    job.channel = channel
    if (isFirst && job.isGone && !(flags & finalFlag)) channel.tell(abortFrame, number)
    switch (kind) {
      case headFrame:
        job.since = 0
        if (!job.isGone) this.#writeHead(job, text.toString('latin1'))
        break
      case pullFrame:
        job.upload ??= startUpload(job, channel)
        job.upload.pull()
        break
      case hintsFrame:
        if (!job.isGone) writeHints(job.res, head)
        break
      case failedFrame:
      case lastFrame:
        this.#report(job, head)
    }
  }

  piece(part: Buffer, isLast: boolean, { kind, flags, number }: FrameStart, channel: ThreadChannel): void {
    const stored = flags & storedFlag ? this.#stored : undefined
    const bytes = stored?.bytes ?? part
    const job = this.#jobs.get(number)
    if (job === undefined) return
    if (kind === lastFrame) return this.#finish(job, undefined, flags)
    if (kind === failedFrame) return this.#finish(job, undefined, flags, 500)
    if (kind !== headFrame && kind !== bodyFrame) return
    if (isLast && flags & finalFlag) return this.#finish(job, bytes, flags, undefined, stored)
    if (bytes.length === 0 || !isWanted(job) || writePiece(job.res, bytes, stored?.release)) return
    if (channel.isPaused) return
    channel.pause()
    job.res.once('drain', () => channel.resume())
  }

  /** Keeps the body of this frame for `piece`, which is called next; returns its head. */
  #takeStored(head: Buffer, number: number, channel: ThreadChannel): Buffer {
    const [place = '', size = ''] = head.toString('latin1', 0, 32).split('\0', 2)
    this.#stored = channel.takeStored(this.process.store ?? -1, Number(place), Number(size), number)
    return head.subarray(place.length + size.length + 2)
  }

  #writeHead(job: Job, head: string): void {
    try {
      writeHead(job.res, head)
    } catch (error) {
      this.#parts.log.error(`${nameOf(job)} failed: ${(error as Error).message}`)
      fail(job.res, 500, this.#parts.idHeader)
      this.abandon(job)
    }
  }

  #report(job: Job, text: Buffer): void {
    if (text.length > 0) this.#parts.log.error(`${nameOf(job)} failed: ${text.toString()}`)
  }

  /** Python has finished with it. */
  #finish(job: Job, part: Buffer | undefined, flags: number, status?: number, stored?: StoredPiece): void {
    job.isDone = true
    this.#jobs.delete(job.number)
    if (!this.#ahead.delete(job)) this.#beginNext()
    this.hasAnswered = true
    this.#pace.answered(performance.now())
    job.upload?.stop(endFrame)
    if (isWanted(job)) {
      if (status !== undefined) fail(job.res, status, this.#parts.idHeader)
      else if (!(flags & brokenFlag)) endWith(job.res, part, stored?.release)
      else {
        if (part !== undefined) {
          this.#parts.log.error(`${nameOf(job)} failed: the app promised a longer body in its Content-Length`)
          if (part.length > 0) job.res.write(part)
        }
        cut(job.res)
      }
    }
    this.#parts.onRoom()
  }

  #begin(job: Job): void {
    this.#begun += 1
    job.since = performance.now()
  }

  #beginNext(): void {
    this.#begun -= 1
    const [next] = this.#ahead
    if (next === undefined) return
    this.#ahead.delete(next)
    this.#begin(next)
  }
}
