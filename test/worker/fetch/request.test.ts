/** The Request of a fetch handler, compared with Node's own. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { expect } from 'chai'
import { BadRequest, PlainRequest, usePlainRequests } from '../../../worker/fetch/request.ts'

const PlatformRequest = globalThis.Request
const platformFetch = globalThis.fetch

interface Parts {
  readonly method?: string
  readonly url?: string
  readonly host?: string
  readonly rawHeaders?: readonly string[]
  readonly encrypted?: boolean
}

function make({
  method = 'GET',
  url = '/',
  host = 'a.test',
  rawHeaders = [],
  encrypted = false,
}: Parts): Request {
  const incoming = { method, url, headers: { host }, rawHeaders, socket: { encrypted }, httpVersionMajor: 1 }
  return new PlainRequest(incoming as unknown as IncomingMessage, {} as ServerResponse) as unknown as Request
}

describe('the Request of a fetch handler', () => {
  before(usePlainRequests)
  after(() => Object.assign(globalThis, { Request: PlatformRequest, fetch: platformFetch }))

  const targets = [
    ...[
      '/',
      '/a/b?c=d&e=f',
      '/a%20b',
      '/../a',
      '/a/./b',
      '/a/%2e%2E/b',
      '/.well-known/x',
      '/a?x=./y',
      '//b/c',
    ],
    ...[
      "/it's?it's",
      '/[a]|{b}^`"<>\\',
      '/a#b',
      '/%',
      '/%zz',
      '/ä'.normalize(),
      '/a?b?c',
      '/;a=1,2',
      '/a:b@c',
      '/~$!*()+',
    ],
    ...['/\x7f', '/a\tb'],
  ]
  for (const target of targets) {
    it(`has the URL of Node's for ${JSON.stringify(target)}`, () => {
      expect(make({ url: target }).url).to.equal(new PlatformRequest(`http://a.test${target}`).url)
    })
  }

  const hosts = [
    'A.test',
    'a.test:80',
    'a.test:8080',
    '127.0.0.1:3000',
    '127.1',
    '[::1]:3000',
    '[0::1]',
    'a.test.',
    '%41.test',
  ]
  for (const host of hosts) {
    it(`has the URL of Node's for the host ${host}`, () => {
      for (const url of ['/x', '/x?é'])
        expect(make({ host, url }).url).to.equal(new PlatformRequest(`http://${host}${url}`).url)
    })
  }

  it('has the scheme of its connection, also for an absolute target', () => {
    expect(make({ encrypted: true, host: 'a.test:443' }).url).to.equal('https://a.test/')
    expect(make({ url: 'http://b.test/x', host: 'a.test' }).url).to.equal('http://a.test/x')
    expect(make({ url: '*', method: 'OPTIONS' }).url).to.equal('http://a.test/*')
  })

  it('is refused where Node would not make one', () => {
    const wrong: readonly Parts[] = [
      { method: 'TRACE' },
      { method: 'CONNECT' },
      ...['a/b', 'a b', 'a@b', 'a:99999', '', '[::1', '1.2.3.4.5'].map(host => ({ host })),
    ]
    for (const parts of wrong) expect(() => make(parts), JSON.stringify(parts)).to.throw(BadRequest)
  })

  it('has the method of Node', () => {
    for (const method of ['GET', 'PROPFIND', 'delete', 'QUERY'])
      expect(make({ method }).method).to.equal(new PlatformRequest('http://a.test', { method }).method)
  })

  it('remembers the origins of a bounded number of hosts', () => {
    for (let n = 0; n < 1_000; n += 1) expect(make({ host: `h${n}.test` }).url).to.equal(`http://h${n}.test/`)
  })

  it('has headers that can be changed, and go with it', () => {
    const request = make({ rawHeaders: ['X-A', '1', 'x-a', '2', 'Cookie', 'a=b', ':path', '/'] })
    expect([...request.headers]).to.deep.equal([
      ['cookie', 'a=b'],
      ['x-a', '1, 2'],
    ])
    request.headers.set('x-b', '3')
    request.headers.delete('cookie')
    const copies = [new Request(request), request.clone(), new Request('http://b.test', request)]
    for (const copy of [request, ...copies])
      expect([...copy.headers]).to.deep.equal([
        ['x-a', '1, 2'],
        ['x-b', '3'],
      ])
  })

  it('is a Request for whoever asks', () => {
    const request = make({ url: '/x' })
    expect(request).to.be.instanceOf(Request).and.to.be.instanceOf(PlatformRequest)
    expect(Object.prototype.toString.call(request)).to.equal('[object Request]')
    expect(request.constructor.name).to.equal('Request')
    expect(Object.keys(request)).to.deep.equal([])
    expect(inspect(request)).to.include("url: 'http://a.test/x'")
    expect([
      request.body,
      request.bodyUsed,
      request.redirect,
      request.mode,
      request.credentials,
    ]).to.deep.equal([null, false, 'follow', 'cors', 'same-origin'])
    expect(() => Object.assign(request, { url: 'http://b.test' })).to.throw(TypeError)
  })

  it('makes another by a subclass', () => {
    class Own extends Request {
      readonly mine = true
    }
    const own = new Own(make({ url: '/x' }), { headers: { a: 'b' } })
    expect([own.mine, own.url, own.headers.get('a'), own instanceof Own]).to.deep.equal([
      true,
      'http://a.test/x',
      'b',
      true,
    ])
  })

  it('has one signal, which its copies follow', () => {
    const request = make({})
    const { signal } = request
    expect(request.signal).to.equal(signal)
    const copy = request.clone()
    ;(request as unknown as PlainRequest).release(true)
    expect(signal.aborted).to.equal(false)
    ;(request as unknown as PlainRequest).release(false)
    expect(signal.aborted).to.equal(true)
    expect(copy.signal.aborted).to.equal(true)
    const late = make({})
    ;(late as unknown as PlainRequest).release(false)
    expect(late.signal.aborted).to.equal(true)
  })

  it('can be fetched', async () => {
    const server = createServer((req, res) => res.end(`${req.method} ${req.url} ${req.headers['x-a']}`))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const request = make({
      url: '/x',
      host: `127.0.0.1:${port}`,
      rawHeaders: ['X-A', '1', 'Connection', 'close'],
    })
    try {
      expect(await (await fetch(request)).text()).to.equal('GET /x 1')
      expect(await (await fetch(new Request(request, { method: 'DELETE' }))).text()).to.equal('DELETE /x 1')
    } finally {
      server.close().closeAllConnections()
    }
  })
})
