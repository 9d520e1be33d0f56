/** `request_id_header`: one name for a request, in every log that it leaves a trace in. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, isIPv6 } from 'node:net'
import type { RequestListener } from './adapters/adapter.ts'
import type { WorkerSettings } from './protocol.ts'

/** Visible ASCII, and not too long for a line of a log. */
const sane = /^[!-~]{1,128}$/

/** Gives requests their ids, with what the settings say about trust. */
export function namer(
  header: string,
  { forwarded_allow_ips: networks }: Pick<WorkerSettings, 'forwarded_allow_ips'>,
): (listener: RequestListener) => RequestListener {
  const isTrusted = trustedPeers(networks)
  return listener => withRequestId(listener, header, isTrusted)
}

/**
 * Gives each request an id before the listener sees it: the one that it came with, where its peer is trusted and the id
 * is of sane form, else a new one. The request and the response carry it in the header of this name.
 */
export function withRequestId(
  listener: RequestListener,
  header: string,
  isTrusted: (req: IncomingMessage) => boolean,
): RequestListener {
  const name = header.toLowerCase()
  return (req, res) => {
    const given = req.headers[name]
    const isKept = typeof given === 'string' && sane.test(given) && isTrusted(req)
    const id = isKept ? given : randomUUID()
    if (!isKept) setHeader(req, name, id)
    res.setHeader(header, id)
    listener(req, res)
  }
}

/** In both forms that an app may read: a Request is made of the raw one. */
function setHeader(req: IncomingMessage, name: string, value: string): void {
  req.headers[name] = value
  const { rawHeaders } = req
  for (let i = rawHeaders.length - 2; i >= 0; i -= 2) {
    if (rawHeaders[i]!.toLowerCase() === name) rawHeaders.splice(i, 2)
  }
  rawHeaders.push(name, value)
}

/** Whether the peer is one of these networks, or is no network peer at all: a unix socket. */
export function trustedPeers(networks: readonly string[]): (req: IncomingMessage) => boolean {
  if (networks.includes('*')) return () => true
  const trusted = new BlockList()
  for (const network of networks) {
    const [address = '', prefix] = network.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (prefix === undefined) trusted.addAddress(address, family)
    else trusted.addSubnet(address, Number(prefix), family)
  }
  return ({ socket: { remoteAddress: peer } }) =>
    peer === undefined || isIP(peer) === 0 || trusted.check(peer, isIPv6(peer) ? 'ipv6' : 'ipv4')
}
