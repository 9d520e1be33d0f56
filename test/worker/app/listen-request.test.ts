/** The many forms of a call of `listen`: by port, by path, by options, and those that are left to Node. */
import { expect } from 'chai'
import { type ListenRequest, readListen } from '../../../worker/listen/listen-request.ts'

const callback = () => undefined

const forms: readonly (readonly [args: readonly unknown[], request: ListenRequest | undefined])[] = [
  [[3000], { port: 3000 }],
  [['3000'], { port: 3000 }],
  [[3000, callback], { port: 3000, callback }],
  [[3000, 'localhost', 64, callback], { port: 3000, host: 'localhost', backlog: 64, callback }],
  [[3000, 64], { port: 3000, backlog: 64 }],
  [['/run/app.sock', callback], { path: '/run/app.sock', callback }],
  [[{ port: 1, ipv6Only: true }], { port: 1, ipv6Only: true }],
  [[{ port: 1, host: '0.0.0.0', ipv6Only: true }], { port: 1, host: '0.0.0.0' }],
  [[{ port: '3000', host: '::1', backlog: 5 }, callback], { port: 3000, host: '::1', backlog: 5, callback }],
  [[{ path: '/run/app.sock' }], { path: '/run/app.sock' }],
  [[], {}],
  [[callback], { callback }],
  [[null], {}],
  [[0, callback], { port: 0, callback }],
  [[{ fd: 3 }], undefined],
  [[70_000], undefined],
  [[{ port: -1 }], undefined],
  [[{ _handle: {} }], undefined],
]

describe('a call of listen', () => {
  for (const [args, request] of forms) {
    it(`is understood when its arguments are (${args.map(arg => (typeof arg === 'function' ? 'callback' : JSON.stringify(arg)))})`, () => {
      expect(readListen(args)).to.deep.equal(request)
    })
  }
})
