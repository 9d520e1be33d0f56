/** The light Request of a fetch handler, compared with Node's own. */
import { createServer, IncomingMessage, ServerResponse } from 'node:http'
import { type AddressInfo, Socket } from 'node:net'
import { inspect } from 'node:util'
import { expect } from 'chai'
import { BadRequest } from '../../../worker/fetch/bad-request.ts'
import { coverFetch, coverRequest, nativeRequest } from '../../../worker/fetch/early.ts'
import { LightRequest, useLightRequests } from '../../../worker/fetch/light-request.ts'

interface Parts {
  readonly method?: string
  readonly url?: string
  readonly host?: string
  readonly fields?: readonly string[]
  readonly encrypted?: boolean
  readonly body?: string | Buffer
}

/** A light Request, and the native one that says the same. */
interface Pair {
  readonly light: Request
  readonly native: Request
}

const Native = nativeRequest()
const keptFetch = () => globalThis.fetch

function exchange({ method = 'GET', url = '/', host = 'a.test', fields = [], encrypted, body }: Parts) {
  const socket = Object.assign(new Socket(), { encrypted })
  const req = new IncomingMessage(socket)
  const sized = body === undefined ? [] : ['Content-Length', String(Buffer.byteLength(body))]
  const rawHeaders = ['Host', host, ...fields, ...sized]
  const { _addHeaderLines: add } = req as unknown as { _addHeaderLines(lines: string[], count: number): void }
  Object.assign(req, { method, url, httpVersionMajor: 1, rawHeaders })
  add.call(req, rawHeaders, rawHeaders.length)
  if (body !== undefined) req.push(Buffer.from(body))
  req.push(null)
  const res = new ServerResponse(req)
  res.assignSocket(socket)
  return { req, res, rawHeaders }
}

function make(parts: Parts): Request {
  const { req, res } = exchange(parts)
  return new LightRequest(req, res) as unknown as Request
}

function both(parts: Parts): Pair {
  const { req, res, rawHeaders } = exchange(parts)
  const pairs: [string, string][] = []
  for (let i = 0; i < rawHeaders.length; i += 2) pairs.push([rawHeaders[i]!, rawHeaders[i + 1]!])
  const { method = 'GET', url = '/', host = 'a.test', encrypted = false, body } = parts
  const init = {
    method,
    headers: pairs,
    ...(body === undefined || body === '' ? {} : { body: new Uint8Array(Buffer.from(body)) }),
  }
  return {
    light: new LightRequest(req, res) as unknown as Request,
    native: new Native(`http${encrypted ? 's' : ''}://${host}${url}`, init),
  }
}

/** What comes of it, or the error. */
async function outcome(look: () => unknown): Promise<unknown> {
  try {
    const seen = await look()
    if (seen instanceof ArrayBuffer || seen instanceof Uint8Array)
      return Buffer.from(seen as Uint8Array).toString('hex')
    if (seen instanceof Blob) return { type: seen.type, text: await seen.text() }
    if (seen instanceof FormData) return [...seen]
    return seen
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`
  }
}

const requests: Readonly<Record<string, Parts>> = {
  'a GET': { url: '/a/b?c=d', fields: ['Accept', '*/*', 'Cookie', 'a=b'] },
  'a GET over TLS': { encrypted: true, host: 'A.test:443' },
  'a HEAD': { method: 'HEAD' },
  'a DELETE': { method: 'DELETE' },
  'headers that come twice': {
    fields: [
      'X-A',
      '1',
      'x-a',
      '2',
      'Cookie',
      'a=b',
      'cookie',
      'c=d',
      'Content-Type',
      'a/b',
      'content-type',
      'c/d',
    ],
  },
  'odd header values': {
    fields: [
      'X-Empty',
      '',
      'X-Latin',
      'gr\xfc\xdfe',
      'X-Space',
      ' a\t',
      'Set-Cookie',
      'a=1',
      'Set-Cookie',
      'b=2',
    ],
  },
  'a POST of text': { method: 'POST', fields: ['Content-Type', 'text/plain'], body: 'grüße' },
  'a POST of nothing': { method: 'POST', body: '' },
  'a PUT of JSON': { method: 'PUT', fields: ['Content-Type', 'application/json'], body: '\ufeff{"a":[1]}' },
  'a POST that is not JSON': { method: 'POST', body: '{' },
  'a POST that is not UTF-8': {
    method: 'POST',
    body: Buffer.from([0xff, 0x41, 0xc3, 0x28, 0xe2, 0x82, 0x41]),
  },
  'a POST of a form': {
    method: 'POST',
    fields: ['Content-Type', 'application/x-www-form-urlencoded'],
    body: 'a=b&c=%20d',
  },
}

const looks: Readonly<Record<string, (request: Request) => unknown>> = {
  method: r => r.method,
  url: r => r.url,
  'plain members': r => [r.bodyUsed, r.cache, r.credentials, r.destination, r.integrity, r.keepalive, r.mode],
  'more plain members': r => [r.redirect, r.referrer, r.referrerPolicy, (r as { duplex?: string }).duplex],
  'the signal': r => {
    const { signal } = r
    return [signal.aborted, signal === r.signal, signal instanceof AbortSignal]
  },
  'the tag': r => [Object.prototype.toString.call(r), String(r), r.constructor.name, Object.keys(r)],
  'what for-in finds': r => {
    const names: string[] = []
    for (const name in r) names.push(name)
    return names.sort()
  },
  'the classes': r => [r instanceof Request, r instanceof Native, r.constructor === Request],
  'one header': r =>
    ['accept', 'X-A', 'COOKIE', 'content-type', 'x-none', 'constructor', '__proto__'].map(n =>
      r.headers.get(n),
    ),
  'odd headers': r =>
    ['x-empty', 'x-latin', 'x-space', 'set-cookie', 'host'].map(n => [r.headers.get(n), r.headers.has(n)]),
  'a name that is none': r => r.headers.get('bad name'),
  'a name with a colon': r => r.headers.has(':path'),
  'no name': r => (r.headers as unknown as { get(): unknown }).get(),
  'a number as a name': r => r.headers.get(5 as never),
  'all headers': r => [
    [...r.headers],
    [...r.headers.keys()],
    [...r.headers.values()],
    [...r.headers.entries()],
  ],
  'headers by forEach': r => {
    const seen: unknown[] = []
    r.headers.forEach((value, name) => void seen.push([name, value]))
    return seen
  },
  'cookies that are set': r => r.headers.getSetCookie(),
  'headers that are copied': r => [
    [...new Headers(r.headers)],
    [...new Response(null, { headers: r.headers }).headers],
  ],
  'headers that are changed': r => {
    const { headers } = r
    headers.get('accept')
    headers.set('x-b', '3')
    headers.append('X-B', '4')
    headers.delete('cookie')
    return [
      headers === r.headers,
      [...r.headers],
      [...r.clone().headers],
      [...new Request(r).headers],
      headers.get('x-b'),
    ]
  },
  'headers that are changed after it was copied': r => {
    const { headers } = r
    const copy = r.clone()
    headers.set('x-b', '3')
    return [
      r.headers.get('x-b'),
      r.clone().headers.get('x-b'),
      copy.headers.get('x-b'),
      headers === r.headers,
    ]
  },
  'the tag of its headers': r => [
    Object.prototype.toString.call(r.headers),
    r.headers instanceof Headers,
    Object.keys(r.headers),
  ],
  'how its headers look': r => inspect(r.headers),
  text: r => r.text(),
  json: r => r.json(),
  arrayBuffer: r => r.arrayBuffer(),
  bytes: r => r.bytes(),
  blob: r => r.blob(),
  formData: r => r.formData(),
  'text and then text': async r => [await r.text(), r.bodyUsed, await outcome(() => r.text())],
  'text and then json': async r => [await r.text(), await outcome(() => r.json())],
  'json and then a copy': async r => [await outcome(() => r.json()), await outcome(() => r.clone().method)],
  'text and a copy meanwhile': async r => {
    const text = r.text()
    return [
      r.bodyUsed,
      await outcome(() => new Request(r).method),
      await outcome(() => r.clone().method),
      await text,
    ]
  },
  'text twice at a time': r => Promise.all([outcome(() => r.text()), outcome(() => r.text())]),
  'text and then the stream': async r => {
    await r.text()
    return [r.body === null, r.body instanceof ReadableStream, r.body?.locked, r.bodyUsed]
  },
  'the stream': async r => {
    if (r.body === null) return null
    const chunks: Uint8Array[] = []
    for await (const chunk of r.body) chunks.push(chunk)
    return [Buffer.concat(chunks).toString('hex'), r.bodyUsed, await outcome(() => r.text())]
  },
  'the stream of which nothing is read': r => {
    const { body } = r
    return [body === r.body, r.bodyUsed, body?.locked]
  },
  'a copy and the original': async r => {
    const copy = r.clone()
    return [await copy.text(), r.bodyUsed, await r.text(), copy.bodyUsed, copy.method, copy.url]
  },
  'a copy by the class': async r => {
    const copy = new Request(r, { headers: { a: 'b' } })
    return [r.bodyUsed, copy.headers.get('a'), copy.method, await copy.text()]
  },
  'a copy with another URL': async r => {
    const copy = new Request('http://b.test/', r)
    return [copy.url, copy.method, [...copy.headers], await copy.text()]
  },
  'a copy by a subclass': async r => {
    class Own extends Request {
      readonly mine = true
    }
    const own = new Own(r)
    return [own.mine, own instanceof Own, own.url, await own.text()]
  },
  'members of the class': r => [
    Reflect.get(Request.prototype, 'url', r),
    Reflect.apply(Request.prototype.clone, r, []).url,
    Reflect.apply(Headers.prototype.get, r.headers, ['host']),
  ],
  'a member of something else': () => Reflect.get(Request.prototype, 'url', {}),
  'an assignment': r => Object.assign(r, { url: 'http://b.test/' }),
}

describe('a light Request', () => {
  before(() => {
    coverFetch()
    coverRequest()
    useLightRequests()
  })

  for (const [name, look] of Object.entries(looks)) {
    it(`is like one of Node's: ${name}`, async () => {
      for (const [what, parts] of Object.entries(requests)) {
        const { light, native } = both(parts)
        const [found, wanted] = [await outcome(() => look(light)), await outcome(() => look(native))]
        expect(found, what).to.deep.equal(wanted)
      }
    })
  }

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
      '/ä',
      '/a?b?c',
      '/;a=1,2',
      '/a:b@c',
      '/~$!*()+',
    ],
    ...['/\x7f', '/a\tb', '/a/..', '/a/.', '/a/...', '/a/..?b', '/..a', '/%2e', '/a/.%2e/', '/?/../'],
  ]
  const hosts = [
    'a.test',
    'A.test',
    'a.test:80',
    'a.test:8080',
    '127.0.0.1:3000',
    '127.1',
    '[::1]:3000',
    '[0::1]',
  ]

  it("has the URL of Node's for every target and host", () => {
    for (const host of [...hosts, 'a.test.', '%41.test', 'xn--bcher-kva.test']) {
      for (const url of targets) {
        const { light, native } = both({ host, url })
        expect(light.url, `${host} ${url}`).to.equal(native.url)
      }
    }
  })

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

  it('has the method that Node would give it', () => {
    for (const method of ['GET', 'PROPFIND', 'delete', 'QUERY', 'M-SEARCH'])
      expect(make({ method }).method).to.equal(new Native('http://a.test', { method }).method)
  })

  it('remembers the origins of a bounded number of hosts', () => {
    for (let n = 0; n < 1_000; n += 1) expect(make({ host: `h${n}.test` }).url).to.equal(`http://h${n}.test/`)
  })

  it('looks the same to people', () => {
    const { light, native } = both({ url: '/x', fields: ['A', 'b'] })
    expect(inspect(light)).to.equal(inspect(native))
  })

  it('has a signal that its copies follow', () => {
    const { req, res } = exchange({})
    const request = new LightRequest(req, res) as unknown as Request
    const { signal } = request
    const copies = [request.clone(), new Request(request)]
    expect([request, ...copies].map(one => one.signal.aborted)).to.deep.equal([false, false, false])
    res.destroy()
    res.emit('close')
    expect(signal.aborted).to.equal(true)
    expect([request, ...copies].map(one => one.signal.aborted)).to.deep.equal([true, true, true])
  })

  it('has a signal that says so if the client had left before', () => {
    const { req, res } = exchange({})
    const request = new LightRequest(req, res) as unknown as Request
    res.destroy()
    expect(request.signal.aborted).to.equal(true)
    expect(request.signal.reason).to.have.property('name', 'AbortError')
  })

  it('can be fetched, also by a fetch that was kept before', async () => {
    const kept = keptFetch()
    const server = createServer(async (req, res) => {
      const body = (await req.toArray()).join('')
      res.end(`${req.method} ${req.url} ${req.headers['x-a']} ${body}`)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const parts = { url: '/x', host: `127.0.0.1:${port}`, fields: ['X-A', '1'] }
    const ask = async (answer: Promise<Response>) => (await answer).text()
    try {
      expect(await ask(fetch(make(parts)))).to.equal('GET /x 1 ')
      expect(await ask(kept(make(parts)))).to.equal('GET /x 1 ')
      expect(await ask(fetch(make(parts), { method: 'DELETE' }))).to.equal('DELETE /x 1 ')
      expect(await ask(fetch(`http://127.0.0.1:${port}/y`, make(parts)))).to.equal('GET /y 1 ')
      expect(await ask(fetch(new Request(make(parts), { method: 'PUT', body: 'b' })))).to.equal('PUT /x 1 b')
    } finally {
      server.close().closeAllConnections()
    }
  })
})
