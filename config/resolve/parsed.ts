/** What the settings say once they are read: addresses, absolute paths, names. Nobody parses them again. */
import { resolve } from 'node:path'
import { type Address, parseBind } from '../kinds/bind-address.ts'
import {
  parseStatsdHost,
  parseSyslogAddress,
  type StatsdAddress,
  type SyslogAddress,
} from '../kinds/telemetry-address.ts'
import type { Range } from '../kinds/worker-count.ts'
import type { Problem } from '../load/config-error.ts'
import type { SettingName, Settings } from '../table.ts'
import { show } from './layers.ts'

export interface Parsed {
  /** The name in process titles. */
  readonly name: string
  /** How few and how many workers serve; the same number twice without autoscaling. */
  readonly workers: Range
  /** Where the server listens, in the order of `bind`. */
  readonly addresses: readonly Address[]
  /** Absolute; null without one. */
  readonly pidfile: string | null
  /** Absolute, or `-`. */
  readonly errorlog: string
  /** Absolute, or `-`; null without one. */
  readonly accesslog: string | null
  /** Where metrics and health are served. */
  readonly metrics: Exclude<Address, { kind: 'fd' }> | null
  /** The file with the token for actions of the status page; absolute, null without one. */
  readonly statusTokenFile: string | null
  /** Where clients control the server: an absolute path, or null for a usual place; null as a whole if nowhere. */
  readonly control: { readonly path: string | null; readonly mode: number } | null
  /** Null where nothing is sent. */
  readonly syslog: SyslogTarget | null
  readonly statsd: StatsdTarget | null
}

/** Where records for syslog go. */
export interface SyslogTarget {
  readonly address: SyslogAddress
  readonly facility: string
  /** The name of the program. */
  readonly prefix: string
}

/** Where metrics go. */
export interface StatsdTarget extends StatsdAddress {
  readonly prefix: string
  readonly tags: string
}

type Origins = Readonly<Record<SettingName, string>>

/** Parses all settings that are more than data; what cannot be parsed is a problem, and is left out. */
export function parseSettings(
  settings: Settings,
  origins: Origins,
): { readonly parsed: Parsed; readonly problems: readonly Problem[] } {
  const problems: Problem[] = []
  const { bind, chdir, pidfile, errorlog, accesslog, syslog_addr, statsd_host, workers } = settings
  const name = settings.proc_name ?? settings.app ?? 'tsicorn'

  /** The parsed text; nothing, and a problem, if the parser throws a `RangeError`. */
  function attempt<T>(setting: SettingName, text: string, parse: (text: string) => T): readonly T[] {
    try {
      return [parse(text)]
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      problems.push({ origin: origins[setting], message: `${setting} ${show(text)} ${error.message}` })
      return []
    }
  }

  if (bind.length === 0)
    problems.push({ origin: origins.bind, message: 'bind must name at least one address, not []' })
  const addresses = bind.flatMap(text => attempt('bind', text, () => addressFrom(text, settings)))
  const [syslog = null] = attempt('syslog_addr', syslog_addr, parseSyslogAddress)
  const [statsd = null] = statsd_host === null ? [] : attempt('statsd_host', statsd_host, parseStatsdHost)
  const { metrics_bind } = settings
  const [metrics] =
    metrics_bind === null
      ? []
      : attempt('metrics_bind', metrics_bind, () => metricsAddress(metrics_bind, chdir))
  const parsed: Parsed = {
    name,
    workers: typeof workers === 'number' ? { min: workers, max: workers } : workers,
    addresses,
    pidfile: pidfile === null ? null : resolve(chdir, pidfile),
    errorlog: errorlog === '-' ? errorlog : resolve(chdir, errorlog),
    accesslog: accesslog === null || accesslog === '-' ? accesslog : resolve(chdir, accesslog),
    metrics: metrics ?? null,
    statusTokenFile: settings.status_token_file === null ? null : resolve(chdir, settings.status_token_file),
    control: settings.control_socket_disable ? null : controlOf(settings),
    syslog:
      settings.syslog && syslog !== null
        ? {
            address: syslog,
            facility: settings.syslog_facility,
            prefix: settings.syslog_prefix ?? tagOf(name),
          }
        : null,
    statsd: statsd && { ...statsd, prefix: settings.statsd_prefix, tags: settings.dogstatsd_tags },
  }
  return { parsed, problems }
}

function metricsAddress(text: string, chdir: string): Exclude<Address, { kind: 'fd' }> {
  const address = parseBind(text, chdir)
  if (address.kind === 'fd') throw new RangeError('has a descriptor: use HOST:PORT or unix:PATH')
  return address
}

function controlOf({ chdir, control_socket: path, control_socket_mode: mode }: Settings): Parsed['control'] {
  return { path: path === null ? null : resolve(chdir, path), mode }
}

function addressFrom(text: string, { chdir, reuse_port: reusePort }: Settings): Address {
  const address = parseBind(text, chdir)
  if (reusePort && address.kind === 'tcp' && address.port === 0)
    throw new RangeError('needs a port number with reuse_port: each worker would get another one')
  return address
}

/** The name in characters that syslog accepts in a tag: `./app.ts` is `app.ts`. */
function tagOf(name: string): string {
  return name.replace(/[^\w.-]+/g, '.').replace(/^\.+|\.+$/g, '')
}
