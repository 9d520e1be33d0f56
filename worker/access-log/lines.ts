/** Prints each request as a line, for a file, for syslog, or for both. */
import type { AccessLine } from '../../hooks/access-entry.ts'
import type { SyslogTarget } from '../protocol/messages.ts'
import type { Needs } from './exchange.ts'
import type { Entry } from './format.ts'
import type { AccessSink } from './sink.ts'

export interface LinesOptions {
  /** A path, `-` for standard output, or null for no file. */
  readonly accesslog: string | null
  readonly access_log_format: string | AccessLine
  readonly request_id_header?: string | null
  readonly syslog?: SyslogTarget | null
  /** Called for errors after opening. */
  readonly onError: (message: string) => void
}

/** Takes lines. */
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
  const sinks: LineSink[] = []
  if (accesslog !== null) {
    const { openAccessFile } = await import('./file.ts')
    sinks.push(await openAccessFile(accesslog, onError))
  }
  if (syslog !== null) sinks.push(await openSyslogSink(syslog, onError))
  const all = async (call: (sink: LineSink) => Promise<void>) => void (await Promise.all(sinks.map(call)))
  return {
    needs,
    write(entry) {
      const line = print(entry)
      for (const sink of sinks) sink.add(line)
    },
    flush() {
      for (const sink of sinks) sink.flush()
    },
    reopen: () => all(sink => sink.reopen()),
    close: limit => all(sink => sink.close(limit)),
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
