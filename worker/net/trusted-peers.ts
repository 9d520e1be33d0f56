/** Whose word counts: the peers that a setting such as `forwarded_allow_ips` lists. */
import { BlockList, isIPv6 } from 'node:net'
import { isUnix, type Peer } from './peer.ts'

/** Whether a peer is trusted; a unix socket has no address, and whoever may open it is. */
export type Trust = (peer: Peer) => boolean

/** `peers` are addresses and networks, or `*` for everybody. */
export function createTrust(peers: readonly string[]): Trust {
  if (peers.includes('*')) return () => true
  const list = new BlockList()
  for (const peer of peers) {
    const [address = '', prefix] = peer.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return peer => {
    const { remoteAddress: address } = peer
    if (address === undefined) return isUnix(peer)
    // A socket that listens on `::` has clients of IPv4 as ::ffff:192.0.2.1, which the list knows how to read.
    return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
  }
}
