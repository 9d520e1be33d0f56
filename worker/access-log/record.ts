/** Access log lines as JSON, or as returned by the user's function. */
import type { AccessEntry, AccessLine } from '../../hooks/access-entry.ts'
import { stackOf } from '../../hooks/thrown.ts'
import { targetOf } from '../net/mount.ts'
import { basicUser, type Entry } from './format.ts'

export interface RecordOptions {
  /** The setting `request_id_header`. */
  readonly request_id_header: string | null
}

/** One JSON object per line; unknown values are left out. */
export function jsonLine({ request_id_header: header }: RecordOptions): (entry: Entry) => string {
  const idHeader = header?.toLowerCase()
  return entry => JSON.stringify(recordOf(entry, idHeader))
}

export interface CustomLineOptions extends RecordOptions {
  readonly write: AccessLine
  readonly onError: (message: string) => void
}

/** The result of the user's function as one line, or JSON if it fails, so that no line is lost. */
export function customLine({ write, onError, ...options }: CustomLineOptions): (entry: Entry) => string {
  const idHeader = options.request_id_header?.toLowerCase()
  const fallback = jsonLine(options)
  let failed = false
  return entry => {
    try {
      const line: unknown = write({
        ...recordOf(entry, idHeader),
        request_headers: entry.request?.headers ?? {},
        response_header: name => entry.responseHeader(name),
      })
      if (typeof line !== 'string') throw new TypeError(`it returned ${typeof line}, not text`)
      return line.replace(/\r?\n|\r/g, '\\n')
    } catch (error) {
      // Once, because it may fail for each request.
      if (!failed) onError(`access_log_format failed, its lines are JSON: ${stackOf(error)}`)
      failed = true
      return fallback(entry)
    }
  }
}

let cachedAt = -1
let cachedTime = ''

/** Cached, because under load many lines have the same millisecond. */
function isoTime(time: number): string {
  if (time !== cachedAt) {
    cachedAt = time
    cachedTime = new Date(time).toISOString()
  }
  return cachedTime
}

function recordOf(entry: Entry, idHeader: string | undefined): AccessEntry {
  const { request } = entry
  const headers = request?.headers
  return {
    time: isoTime(entry.time),
    pid: process.pid,
    remote_address: entry.remoteAddress || undefined,
    user: basicUser(headers?.authorization),
    method: request?.method,
    url: request && targetOf(request),
    protocol: request && `HTTP/${request.httpVersion}`,
    status: entry.status,
    outcome: entry.outcome,
    bytes: entry.bytes,
    duration: Math.round(entry.duration * 1_000) / 1_000_000,
    referer: headers?.referer,
    user_agent: headers?.['user-agent'],
    request_id: idHeader === undefined ? undefined : (headers?.[idHeader] as string | undefined),
  }
}
