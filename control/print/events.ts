/** Tells events and log lines in words. */
import type { LogEntry } from '../protocol/messages.ts'

/** Any event of a server; one that this client does not know is told by its type. */
export interface Event {
  readonly type: string
  readonly at?: number
  readonly [key: string]: unknown
}

interface WorkerName {
  readonly age: number
  readonly pid?: number
  readonly generation: number
}

const words: Readonly<Record<string, (event: Event) => string>> = {
  'worker booting': event => `${workerOf(event)} starts`,
  'worker ready': event => `${workerOf(event)} is ready`,
  'worker leaving': event => `${workerOf(event)} leaves: ${event.why}`,
  'worker exited': ({ text }) => String(text),
  serving: ({ generation }) => `Serving, generation ${generation}`,
  waiting: ({ error }) => `Cannot start, waiting for a change: ${error}`,
  wanted: ({ workers, before }) => `Wanted: ${workers} workers (before: ${before})`,
  'reload started': ({ reload }) => `Reload ${reload} begins`,
  'reload succeeded': ({ reload, generation, took }) =>
    `Reload ${reload}: generation ${generation} serves (${Number(took).toFixed(1)} s)`,
  'reload failed': ({ reload, error }) => `Reload ${reload} failed: ${error}`,
  'new arbiter started': ({ pid }) => `The new arbiter starts (pid ${pid})`,
  'new arbiter ready': ({ pid }) => `The new arbiter serves beside the old one (pid ${pid})`,
  'upgrade failed': ({ error }) => String(error),
  promoted: () => 'The old arbiter is gone: this one is the server now',
  stopping: ({ text }) => String(text),
}

export function tellEvent(event: Event): string {
  return (words[event.type] ?? (({ type }) => type))(event)
}

/** An event with the time of day. */
export function eventLine(event: Event): string {
  return `${time(event.at ?? Date.now())} ${tellEvent(event)}`
}

function workerOf({ worker }: Event): string {
  const { age, pid, generation } = worker as WorkerName
  return `Worker ${age} (pid ${pid}, generation ${generation})`
}

export function tellLine({ at, pid, level, message }: LogEntry): string {
  return `${time(at)} [${pid}] [${level.toUpperCase()}] ${message.trimEnd()}`
}

/** The local time of day. */
function time(at: number): string {
  return new Date(at).toTimeString().slice(0, 8)
}
