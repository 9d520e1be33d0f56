/** Which peers are trusted, by networks of IPv4 and IPv6 or as a unix socket, which a client that reset is not. */
import { Socket } from 'node:net'
import { expect } from 'chai'
import { notePeer, type Peer } from '../../../worker/net/peer.ts'
import { createTrust } from '../../../worker/net/trusted-peers.ts'

/** As a socket is when its connection was accepted; each one has an address of its own, unless it is a unix socket. */
function peerAt(remoteAddress: string | undefined, localAddress = remoteAddress): Peer {
  const socket = new Socket()
  Object.defineProperties(socket, {
    remoteAddress: { value: remoteAddress },
    localAddress: { value: localAddress },
  })
  notePeer(socket)
  return socket
}

describe('trusted peers', () => {
  const cases: readonly (readonly [
    networks: readonly string[],
    peer: string | undefined,
    trusted: boolean,
  ])[] = [
    [['127.0.0.1', '::1'], '127.0.0.1', true],
    [['127.0.0.1', '::1'], '::1', true],
    [['127.0.0.1', '::1'], '::ffff:127.0.0.1', true],
    [['127.0.0.1', '::1'], '192.0.2.1', false],
    [['10.0.0.0/8'], '10.9.8.7', true],
    [['10.0.0.0/8'], '11.0.0.1', false],
    [['2001:db8::/32'], '2001:db8::7', true],
    [['2001:db8::/32'], '10.0.0.1', false],
    [['*'], '192.0.2.1', true],
    [[], undefined, true],
    [[], '127.0.0.1', false],
  ]
  for (const [networks, peer, trusted] of cases) {
    it(`${networks.join() || 'none'}: ${peer ?? 'a unix socket'} is ${trusted ? 'one' : 'none'}`, () => {
      expect(createTrust(networks)(peerAt(peer))).to.equal(trusted)
    })
  }

  it('a client that reset its connection is no unix socket', () => {
    expect(createTrust([])(peerAt(undefined, '127.0.0.1'))).to.equal(false)
  })
})
