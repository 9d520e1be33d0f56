/** The messages on a control socket, and the data that they carry. */
import type { Durations } from './durations.ts'

/** Client and server must speak the same one; it changes when a message changes its meaning. */
export const protocolVersion = 1

/** A client may send several, and gets their answers in any order. */
export interface Request {
  /** Chosen by the client; the answers carry it. */
  readonly id: number | string
  readonly protocol: number
  /** A command of the table, such as `show workers`; more words become arguments. */
  readonly command: string
  readonly args?: readonly string[]
}

/** Any number of `progress`, and then `ok` or `error`. */
export type Answer =
  | { readonly id: Request['id']; readonly status: 'progress' | 'ok'; readonly data: unknown }
  | { readonly id: Request['id'] | null; readonly status: 'error'; readonly error: string }

/** The answer to `hello`: who this is. */
export interface Hello {
  readonly name: string
  readonly pid: number
  readonly version: string
  readonly phase: string
  readonly generation: number
  /** Workers that are wanted, and those that serve. */
  readonly wanted: number
  readonly ready: number
  /** Seconds since it was started. */
  readonly uptime: number
  readonly addresses: readonly string[]
  /** The other arbiter of an upgrade, if there is one. */
  readonly old_arbiter: number | null
  readonly new_arbiter: number | null
}

/** A worker; counts are since its start. Times are in seconds. */
export interface WorkerRow {
  readonly pid: number | null
  readonly age: number
  readonly index: number
  readonly generation: number
  readonly state: string
  readonly uptime: number
  /** How long ago it wrote its heartbeat. */
  readonly last_heartbeat: number
  readonly connections: number
  readonly in_flight: number
  readonly requests: number
  readonly requests_by_class: Readonly<Record<string, number>>
  /** Upper bounds of the time that half, and 99 of 100 responses took, in milliseconds; null without responses. */
  readonly p50_ms: number | null
  readonly p99_ms: number | null
  readonly responses_by_duration: Durations
  /** How busy its event loop is, 0 to 1, and how late it is, in milliseconds. */
  readonly utilization: number
  readonly delay_ms: number
  /** Processor time in milliseconds. */
  readonly cpu_ms: number
  /** Resident memory in bytes. */
  readonly rss: number
}

export interface ListenerRow {
  readonly address: string
  readonly fd: number | null
  readonly type: 'tcp' | 'tcp6' | 'unix' | 'unknown'
  /** Connections that wait to be accepted; null where the kernel does not tell. */
  readonly backlog: number | null
}

export interface Stats {
  readonly uptime: number
  readonly pid: number
  readonly workers_current: number
  readonly workers_target: number
  readonly workers_spawned: number
  /** How workers ended, by kind. */
  readonly workers_ended: Readonly<Record<string, number>>
  readonly reloads: number
  readonly reloads_failed: number
  readonly last_failure: string | null
}

/** The answer to `show all`. */
export interface Everything {
  readonly arbiter: Hello
  readonly workers: readonly WorkerRow[]
  readonly listeners: readonly ListenerRow[]
  readonly stats: Stats
}

/** What the feed of the status page says. */
export interface FeedMessage {
  /** Absent where only something has happened. */
  readonly answer?: Everything
  /** What has happened since the message before; each has its `type`, and `at` in milliseconds since 1970. */
  readonly events: readonly { readonly type: string; readonly at: number }[]
  /** There is a token, with which the page may do something. */
  readonly has_token: boolean
}

/** A line of the error log. */
export interface LogEntry {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly level: string
  readonly pid: number
  readonly message: string
}

/** The outcome of a reload. */
export interface ReloadOutcome {
  readonly reload: number
  readonly generation: number
  /** Seconds. */
  readonly took: number
}
