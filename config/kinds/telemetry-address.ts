/** Parses the addresses of `syslog_addr` and `statsd_host`. */

export type SyslogAddress =
  | { readonly kind: 'udp' | 'tcp'; readonly host: string; readonly port: number; readonly text: string }
  | { readonly kind: 'unix'; readonly path: string; readonly text: string }

const takesDatagrams = 'takes datagrams, and Node.js has no unix datagram sockets'

/** Throws a `RangeError` whose message continues after the address. */
export function parseSyslogAddress(text: string): SyslogAddress {
  const [, path, type] = /^unix:\/\/(\/[^#]+)(?:#(dgram|stream))?$/.exec(text) ?? []
  if (type === 'dgram') throw new RangeError(`${takesDatagrams}: name a stream socket, or udp://HOST:PORT`)
  if (path !== undefined) return { kind: 'unix', path, text }
  const [, kind, place = ''] = /^(udp|tcp):\/\/(.*)$/.exec(text) ?? []
  const found = kind === undefined ? undefined : hostAndPort(place, 'localhost', 514)
  if (found === undefined) throw new RangeError('must be unix:///PATH, udp://HOST:PORT or tcp://HOST:PORT')
  return { kind: kind as 'udp' | 'tcp', ...found, text }
}

export interface StatsdAddress {
  readonly host: string
  readonly port: number
  readonly text: string
}

/** Throws a `RangeError` whose message continues after the address. */
export function parseStatsdHost(text: string): StatsdAddress {
  if (text.startsWith('unix:')) throw new RangeError(`${takesDatagrams}: name HOST:PORT`)
  const found = hostAndPort(text, undefined, 8125)
  if (found === undefined) throw new RangeError('is not an address: write HOST:PORT')
  return { ...found, text }
}

function hostAndPort(text: string, usualHost: string | undefined, usualPort: number) {
  const [all, v6, name, digits] = /^(?:\[([\da-f:.]+)\]|([^\s:/[\]]*))(?::(\d+))?$/i.exec(text) ?? []
  const host = v6 || name || usualHost
  const port = digits === undefined ? usualPort : Number(digits)
  if (all === undefined || host === undefined || port < 1 || port > 65_535) return undefined
  return { host, port }
}
