/** Each request as a line, and the places that get the lines. */
import type { AccessLine } from '../../hooks/access-entry.ts'
import type { SyslogTarget } from '../protocol/messages.ts'
import type { Needs } from './exchange.ts'
import type { Entry } from './format.ts'
import type { AccessSink } from './sink.ts'

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
interface LineSink {
  add(line: string): void
  flush(): void
  reopen(): Promise<void>
  close(limit?: number): Promise<void>
}

/** Rejects with one message for the user when the file or the format cannot be used. */
export async function openLines(options: LinesOptions): Promise<AccessSink> {
  const { accesslog, syslog = null, onError } = options
  const { print, needs } = await createPrinter(options)
  const places: LineSink[] = []
  if (accesslog !== null) {
    const { openAccessFile } = await import('./file.ts')
    places.push(await openAccessFile(accesslog, onError))
  }
  if (syslog !== null) places.push(await openSyslogSink(syslog, onError))
  const all = async (deed: (place: LineSink) => Promise<void>) => void (await Promise.all(places.map(deed)))
  return {
    needs,
    write(entry) {
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

async function openSyslogSink(target: SyslogTarget, onError: (message: string) => void): Promise<LineSink> {
  const { openSyslog } = await import('../sinks/syslog.ts')
  const syslog = await openSyslog(target, onError)
  return {
    add: line => syslog.send('access', 'info', line, process.pid),
    flush: () => undefined,
    reopen: async () => undefined,
    close: () => syslog.close(),
  }
}

const allNeeds: Needs = { address: true, bytes: true, responseHeaders: true }

interface LinePrinter {
  readonly print: (entry: Entry) => string
  readonly needs: Needs
}

async function createPrinter(options: LinesOptions): Promise<LinePrinter> {
  const { access_log_format: format, request_id_header = null, onError } = options
  if (typeof format === 'function') {
    const { customLine } = await import('./record.ts')
    return { print: customLine({ write: format, request_id_header, onError }), needs: allNeeds }
  }
  if (format === 'json') {
    const { jsonLine } = await import('./record.ts')
    return { print: jsonLine({ request_id_header }), needs: { ...allNeeds, responseHeaders: false } }
  }
  const { atomsOf, compileFormat } = await import('./format.ts')
  const { needsOf } = await import('./exchange.ts')
  return { print: compileFormat(format), needs: needsOf(atomsOf(format)) }
}
