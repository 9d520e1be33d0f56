/** Decides which peers to trust, by a list such as `forwarded_allow_ips`. */
import net from 'node:net'
import { isUnix, type Peer } from './peer.ts'

/**
 * Whether a peer is trusted. Clients of a unix socket always are: the permissions of its file decide who may connect.
 */
export type Trust = (peer: Peer) => boolean

/** `peers` are addresses and networks, or `*` for all. */
export function createTrust(peers: readonly string[]): Trust {
  if (peers.includes('*')) return () => true
  // Node loads the class when it is read.
  const list = new net.BlockList()
  for (const peer of peers) {
    const [address = '', prefix] = peer.split('/')
    const family = familyOf(address)
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return peer => {
    const { remoteAddress: address } = peer
    if (address === undefined) return isUnix(peer)
    // A socket that listens on `::` shows IPv4 clients as ::ffff:192.0.2.1, which BlockList understands.
    return list.check(address, familyOf(address))
  }
}

/** Of a valid address. */
function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4'
}
