/** Each request as a line, and the places that get the lines. */
import type { AccessLine } from '../../hooks/access-entry.ts'
import type { SyslogTarget } from '../protocol/messages.ts'
import type { Needs } from './exchange.ts'
import type { Entry } from './format.ts'
import type { AccessOutlet } from './sink.ts'

export interface LinesOptions {
  /** A path, `-` for standard output, or null where no file gets the lines. */
  readonly accesslog: string | null
  readonly access_log_format: string | AccessLine
  readonly request_id_header?: string | null
  readonly syslog?: SyslogTarget | null
  /** Hears of trouble after the places were opened. */
  readonly onError: (message: string) => void
}

/** A place for lines. */
interface Place {
  add(line: string): void
  flush(): void
  reopen(): Promise<void>
  close(limit?: number): Promise<void>
}

/** Rejects with one message for the user when the file or the format cannot be used. */
export async function openLines(options: LinesOptions): Promise<AccessOutlet> {
  const { accesslog, syslog = null, onError } = options
  const { print, needs } = await lineOf(options)
  const places: Place[] = []
  if (accesslog !== null) {
    const { openAccessFile } = await import('./file.ts')
    places.push(await openAccessFile(accesslog, onError))
  }
  if (syslog !== null) places.push(await toSyslog(syslog, onError))
  const all = async (deed: (place: Place) => Promise<void>) => void (await Promise.all(places.map(deed)))
  return {
    needs,
    take(entry) {
      const line = print(entry)
      for (const place of places) place.add(line)
    },
    flush() {
      for (const place of places) place.flush()
    },
    reopen: () => all(place => place.reopen()),
    close: limit => all(place => place.close(limit)),
  }
}

async function toSyslog(target: SyslogTarget, onError: (message: string) => void): Promise<Place> {
  const { openSyslog } = await import('../sinks/syslog.ts')
  const syslog = await openSyslog(target, onError)
  return {
    add: line => syslog.send('access', 'info', line, process.pid),
    flush: () => undefined,
    reopen: async () => undefined,
    close: () => syslog.close(),
  }
}

const everything: Needs = { address: true, bytes: true, responseHeaders: true }

interface LineForm {
  readonly print: (entry: Entry) => string
  readonly needs: Needs
}

async function lineOf(options: LinesOptions): Promise<LineForm> {
  const { access_log_format: format, request_id_header = null, onError } = options
  if (typeof format === 'function') {
    const { ownLine } = await import('./record.ts')
    return { print: ownLine({ write: format, request_id_header, onError }), needs: everything }
  }
  if (format === 'json') {
    const { jsonLine } = await import('./record.ts')
    return { print: jsonLine({ request_id_header }), needs: { ...everything, responseHeaders: false } }
  }
  const { atomsOf, compileFormat } = await import('./format.ts')
  const { needsOf } = await import('./exchange.ts')
  return { print: compileFormat(format), needs: needsOf(atomsOf(format)) }
}
