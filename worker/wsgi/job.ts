/** A request on its way through Python, and what is known of it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isClientGone } from '../http/response.ts'
import type { ThreadChannel } from './channel.ts'

export interface Job {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** The whole body; undefined where it is sent when the app reads it. */
  readonly body: Buffer | undefined
  /** What has arrived of a body that turned out to be large. */
  readonly early: readonly Buffer[]
  /** By `performance.now()`. */
  readonly receivedAt: number
  /** Its number with its host; 0 while it waits here. */
  number: number
  /** The channel of the thread that has it, once that thread has said something. */
  channel: ThreadChannel | undefined
  /** Since when the app owes a sign of life, by `performance.now()`; 0 while no thread can have begun with it. */
  since: number
  /** The client has left, or got its answer from somebody else: what Python still says is dropped. */
  isGone: boolean
  /** Python has finished with it. */
  isDone: boolean
  /** Its body is being sent. */
  upload: Upload | undefined
}

/** A body on its way to Python. */
export interface Upload {
  /** The app wants to read on. */
  pull(): void
  /** The rest is not wanted; `kind` is the frame that says why. */
  stop(kind: number): void
  /** The app waits for the client, and not the client for the app. */
  readonly isAwaited: boolean
  /** When something has arrived, by `performance.now()`. */
  readonly heardAt: number
}

export function createJob(
  req: IncomingMessage,
  res: ServerResponse,
  body: Buffer | undefined,
  early: readonly Buffer[] = [],
): Job {
  return {
    req,
    res,
    body,
    early,
    receivedAt: performance.now(),
    number: 0,
    channel: undefined,
    since: 0,
    upload: undefined,
    isGone: false,
    isDone: false,
  }
}

/** In the log. */
export function nameOf({ req }: Job): string {
  return `${req.method} ${req.url}`
}

/** A response that is cut closes a moment later. */
export function isWanted({ isGone, res }: Job): boolean {
  return !isGone && !isClientGone(res)
}

/** Whether the app owes a sign of life since before this time. */
export function isLate({ since, upload, isGone }: Job, before: number): boolean {
  return since > 0 && !isGone && Math.max(since, upload?.heardAt ?? 0) < before
}
