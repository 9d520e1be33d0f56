/**
 * Whether a request comes from where it seems to: browsers send requests of any page to any address, and a page of an
 * attacker may give its own name the address of this server.
 */
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import type { Address } from '../../config/kinds/bind-address.ts'

/** Names that nobody outside can have resolved to this server. */
const privateName = /^(?:[^.]+|.+\.(?:localhost|local|internal))$/

/** An address, or a name that is not a public one, or the one that the listener or this machine has. */
export function isOwnHost(host: string | undefined, address: Exclude<Address, { kind: 'fd' }>): boolean {
  const name = nameIn(host)
  if (name === undefined) return false
  const own = [hostname(), ...(address.kind === 'tcp' ? [address.host] : [])]
  return isIP(name) !== 0 || privateName.test(name) || own.some(known => known.toLowerCase() === name)
}

/** A request of a browser is of this server's own page; other programs send neither of these headers. */
export function isOwnPage({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin'
  const { origin, host } = headers
  return origin === undefined || origin === `http://${host}` || origin === `https://${host}`
}

/** The name in a `Host` header, without its port. */
function nameIn(host = ''): string | undefined {
  const [, address, name] = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::\d+)?$/i.exec(host) ?? []
  return (address ?? name)?.toLowerCase().replace(/\.$/, '')
}
