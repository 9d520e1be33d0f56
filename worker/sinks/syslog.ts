/** Syslog records as Gunicorn sends them: `<PRI>gunicorn.PREFIX.error: [PID] MESSAGE`. */
import type { LogLevel, SyslogTarget } from '../protocol/messages.ts'
import { LineStream } from './line-stream.ts'
import { Udp } from './udp.ts'

export interface Syslog {
  /** Never blocks, never throws. */
  send(log: 'error' | 'access', level: LogLevel, message: string, pid: number): void
  /** Resolves when the last records are sent, or after about a second. */
  close(): Promise<void>
}

/** Rejects with one message for the user when the socket is one that Node cannot send to. */
export async function openSyslog(
  { address, facility, prefix }: SyslogTarget,
  onTrouble: (message: string) => void,
): Promise<Syslog> {
  let report: ((message: string) => void) | undefined
  let trouble: string | undefined
  const options = {
    name: `syslog_addr ${JSON.stringify(address.text)}`,
    onTrouble(message: string) {
      if (report === undefined) trouble = message
      else report(message)
    },
  }
  const remote =
    address.kind === 'udp'
      ? new Udp(address.host, address.port, options)
      : new LineStream(
          address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port },
          options,
        )
  if (address.kind === 'unix') await rejectDatagrams(remote as LineStream, address.text)
  // Only now: a refused socket is reported once, by the error above.
  report = onTrouble
  if (trouble !== undefined) report(trouble)
  const facilityCode = facilities[facility] ?? 1
  return {
    send(log, level, message, pid) {
      const priority = facilityCode * 8 + severities[level]
      remote.send(truncate(`<${priority}>gunicorn.${prefix}.${log}: [${pid}] ${escaped(message)}`))
    },
    close: () => remote.close(),
  }
}

/** RFC 3164 section 4.1.1. */
const severities: Readonly<Record<LogLevel, number>> = {
  critical: 2,
  error: 3,
  warning: 4,
  info: 6,
  debug: 7,
}

const facilities: Readonly<Record<string, number>> = {
  kern: 0,
  user: 1,
  mail: 2,
  daemon: 3,
  auth: 4,
  security: 4,
  syslog: 5,
  lpr: 6,
  news: 7,
  uucp: 8,
  cron: 9,
  authpriv: 10,
  ftp: 11,
  ...Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`local${n}`, 16 + n])),
}

/** Control characters, such as the line ends of a stack, would end the record: escaped as rsyslog does, `#012`. */
function escaped(message: string): string {
  return message
    .trimEnd()
    .replace(/\p{Cc}/gu, character => `#${character.charCodeAt(0).toString(8).padStart(3, '0')}`)
}

/** The longest record, in bytes: rsyslog accepts it, and it fits into a datagram. */
const maxRecordBytes = 8 * 1024

function truncate(record: string): string {
  if (Buffer.byteLength(record) <= maxRecordBytes) return record
  return Buffer.from(record)
    .subarray(0, maxRecordBytes)
    .toString()
    .replace(/\uFFFD$/, '')
}

async function rejectDatagrams(remote: LineStream, text: string): Promise<void> {
  const error: NodeJS.ErrnoException | undefined = await remote.attempted()
  if (error?.code !== 'EPROTOTYPE') return
  await remote.close()
  throw new Error(
    `Cannot send to syslog_addr ${JSON.stringify(text)}: it takes datagrams, and Node.js has no unix datagram sockets: name a stream socket, or udp://HOST:PORT`,
    { cause: error },
  )
}
