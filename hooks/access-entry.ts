/** What a function as `access_log_format` is called with, and what a line of the format `json` holds. */
import type { IncomingHttpHeaders } from 'node:http'

/**
 * How a request ended: `ok` when its response was sent whole, whatever its status; `aborted` when the client left or the
 * connection broke before; `refused` when it was answered before the app could see it; `timed out` when it came, or was
 * answered, too late; `stalled` when the client did not read its answer.
 */
export type Outcome = 'ok' | 'aborted' | 'refused' | 'timed out' | 'stalled'

/** One request, after its response has ended or its client has left. What there is nothing to say about is undefined. */
export interface AccessEntry {
  /** When the response ended, in ISO 8601 and UTC: `2026-03-01T08:05:07.123Z`. */
  readonly time: string
  /** The process id of the worker. */
  readonly pid: number
  /** Undefined for a unix socket. */
  readonly remote_address: string | undefined
  /** The user of HTTP Basic credentials, unchecked. */
  readonly user: string | undefined
  /** Undefined, as all that comes from the request, where that was refused before it could be understood. */
  readonly method: string | undefined
  /** The target of the request as it was sent, with its query. */
  readonly url: string | undefined
  /** `HTTP/1.1` */
  readonly protocol: string | undefined
  readonly status: number
  readonly outcome: Outcome
  /** Bytes of the response's body. */
  readonly bytes: number
  /** Seconds from the request's head to the end of the response. */
  readonly duration: number
  readonly referer: string | undefined
  readonly user_agent: string | undefined
  /** Where `request_id_header` is set. */
  readonly request_id: string | undefined
}

/** What the function is called with besides: lines of `json` do not hold it. */
export interface AccessDetails {
  /** The headers of the request, their names in small letters. */
  readonly request_headers: IncomingHttpHeaders
  /** A header of the response. */
  readonly response_header: (name: string) => unknown
}

/** A line of the access log, without its line end. */
export type AccessLine = (entry: AccessEntry & AccessDetails) => string
