/** The argument of an `access_log_format` that is a function, and the content of a JSON access log line. */
import type { IncomingHttpHeaders } from 'node:http'

/**
 * How a request ended: `ok` when its response was sent completely, whatever its status; `aborted` when the client left
 * or the connection broke before that; `refused` when it was rejected before it reached the app; `timed out` when it
 * arrived, or was answered, too late; `stalled` when the client did not read its response.
 */
export type Outcome = 'ok' | 'aborted' | 'refused' | 'timed out' | 'stalled'

/** One request, after its response has ended or its client has left. Unknown values are undefined. */
export interface AccessEntry {
  /** When the response ended, in ISO 8601 and UTC: `2026-03-01T08:05:07.123Z`. */
  readonly time: string
  /** The process id of the worker. */
  readonly pid: number
  /** Undefined for a unix socket. */
  readonly remote_address: string | undefined
  /** The user of HTTP Basic credentials, unchecked. */
  readonly user: string | undefined
  /** Undefined, like everything from the request, where it was rejected before it could be parsed. */
  readonly method: string | undefined
  /** The request target as it was sent, with its query. */
  readonly url: string | undefined
  /** `HTTP/1.1` */
  readonly protocol: string | undefined
  readonly status: number
  readonly outcome: Outcome
  /** Bytes of the response body. */
  readonly bytes: number
  /** Seconds from the head of the request to the end of the response. */
  readonly duration: number
  readonly referer: string | undefined
  readonly user_agent: string | undefined
  /** Present where `request_id_header` is set. */
  readonly request_id: string | undefined
}

/** Further properties for the function, which JSON lines do not have. */
export interface AccessDetails {
  /** The request headers, with names in small letters. */
  readonly request_headers: IncomingHttpHeaders
  /** A response header, by its name. */
  readonly response_header: (name: string) => unknown
}

/** Returns a line of the access log, without its line end. */
export type AccessLine = (entry: AccessEntry & AccessDetails) => string
