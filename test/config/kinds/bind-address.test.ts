/** Addresses in all the forms that `bind` takes, and mistakes in them, each refused with what is wrong. */
import { expect } from 'chai'
import { parseBind } from '../../../config/kinds/bind-address.ts'

const tcp = (host: string, port: number) => ({ kind: 'tcp', host, port })

const addresses: [string, object][] = [
  ['', tcp('0.0.0.0', 8000)],
  ['localhost', tcp('localhost', 8000)],
  ['LocalHost:80', tcp('localhost', 80)],
  [':9000', tcp('0.0.0.0', 9000)],
  ['3000', tcp('127.0.0.1', 3000)],
  ['tcp://0', tcp('127.0.0.1', 0)],
  ['127.0.0.1:0', tcp('127.0.0.1', 0)],
  ['tcp://10.0.0.1:65535', tcp('10.0.0.1', 65535)],
  ['[::]:8000', tcp('::', 8000)],
  ['[::1]', tcp('::1', 8000)],
  ['unix:/run/app.sock', { kind: 'unix', path: '/run/app.sock' }],
  ['unix:///run/app.sock', { kind: 'unix', path: '/run/app.sock' }],
  ['unix:app.sock', { kind: 'unix', path: '/srv/app.sock' }],
  ['unix://app.sock', { kind: 'unix', path: '/srv/app.sock' }],
  ['fd://3', { kind: 'fd', fd: 3 }],
  ['tcp6://[::]:80', { kind: 'tcp', host: '::', port: 80, ipv6Only: true }],
]

const mistakes: [string, RegExp][] = [
  ['host:http', /the port "http", which is not a number from 0 to 65535/],
  ['host:65536', /the port "65536"/],
  ['65536', /the port "65536"/],
  ['host:', /the port ""/],
  ['host:-1', /the port "-1"/],
  ['::1', /write \[::1\]:8000/],
  ['[host]:80', /"host" in brackets, which is not an IPv6 address/],
  ['a:1,b:2', /./],
  ['a,b', /give several addresses as a list/],
  ['/run/app.sock', /paths as unix:PATH/],
  ['http://host:80', /the scheme "http"/],
  ['unix:', /no path/],
  [`unix:/${'x'.repeat(103)}`, /a path of 104 bytes: sockets take at most 103/],
  ['fd://x', /not fd:\/\/N/],
  ['tcp6://0.0.0.0:80', /no IPv6 address: write tcp6:\/\/\[::\]:80/],
]

describe('addresses to bind', () => {
  for (const [text, expected] of addresses) {
    it(`reads ${JSON.stringify(text)}`, () => {
      expect(parseBind(text, '/srv')).to.deep.equal(expected)
    })
  }
  for (const [text, expected] of mistakes) {
    it(`refuses ${JSON.stringify(text.slice(0, 30))}`, () => {
      expect(() => parseBind(text, '/srv')).to.throw(RangeError, expected)
    })
  }
})
