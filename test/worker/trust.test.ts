import { expect } from 'chai'
import { createTrust } from '../../worker/trust.ts'

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
      expect(createTrust(networks)(peer)).to.equal(trusted)
    })
  }
})
