/** PROXY headers, limits and rules for headers hold over TLS and HTTP/2 as they do without. */
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { text } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'
import { expect } from 'chai'
import { Authority, hasOpenssl, type Pair } from '../../support/certificates.ts'
import { open } from '../../support/http/raw.ts'
import { launch, type Tsicorn } from '../../support/tsicorn.ts'

const app = `
import { text } from 'node:stream/consumers'
export default async (req, res) => {
  const { remoteAddress, encrypted } = req.socket
  const body = await text(req).catch(() => 'cut')
  res.end(JSON.stringify({ remoteAddress, encrypted, version: req.httpVersion, headers: req.headers, length: body.length }))
}`

describe('TLS and HTTP/2 with the rest', () => {
  let authority: Authority
  let pair: Pair

  before(function () {
    if (!hasOpenssl) this.skip()
    authority = new Authority()
    pair = authority.sign('server')
  })
  after(() => authority?.remove())

  function serve(...args: string[]): Tsicorn {
    return launch({
      args: [
        '-b',
        '127.0.0.1:0',
        '--certfile',
        'both.pem',
        '--http-protocols',
        'h2,h1',
        ...args,
        './app.mjs',
      ],
      files: { 'app.mjs': app, 'both.pem': pair.cert + pair.key },
    })
  }

  /** Asks over HTTP/2: the status and the body. */
  async function ask(url: string, headers: Record<string, string>, body?: string): Promise<[number, string]> {
    const session = connectHttp2(url, { ca: authority.cert })
    try {
      const stream = session.request({ ':method': body === undefined ? 'GET' : 'POST', ...headers })
      stream.end(body)
      const [answer] = (await once(stream, 'response')) as [Record<string, number>]
      return [answer[':status'] as number, await text(stream)]
    } finally {
      session.destroy()
    }
  }

  it('a PROXY header before the handshake says who the client is', async () => {
    const url = await serve('--proxy-protocol', 'required').running()
    for (const protocol of ['http/1.1', 'h2']) {
      const plain = await open(url)
      plain.write('PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n')
      const secure = connectTls({
        socket: plain,
        ca: authority.cert,
        servername: 'localhost',
        ALPNProtocols: [protocol],
      })
      await once(secure, 'secureConnect')
      expect(secure.alpnProtocol).to.equal(protocol)
      if (protocol === 'h2') {
        const session = connectHttp2('https://localhost', { createConnection: () => secure })
        const stream = session.request({ ':path': '/' })
        expect(JSON.parse(await text(stream))).to.include({ remoteAddress: '192.0.2.7', version: '2.0' })
        session.destroy()
      } else {
        secure.write('GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n')
        expect(await text(secure)).to.contain('"remoteAddress":"192.0.2.7","encrypted":true')
      }
    }
  })

  it('a client on TLS cannot be made to look as if it spoke http', async () => {
    const url = await serve().running()
    const [, body] = await ask(url, { 'x-forwarded-proto': 'http' })
    expect(JSON.parse(body)).to.include({ encrypted: true })
  })

  it('limits and header_map hold for HTTP/2', async () => {
    const url = await serve('--limit-request-body', '1000', '--limit-request-fields', '10').running()
    const [status, seen] = await ask(url, { 'x-a': '1', x_b: '2' }, 'x'.repeat(1_000))
    expect(status).to.equal(200)
    const { headers, length } = JSON.parse(seen) as { headers: object; length: number }
    expect(headers).to.include({ 'x-a': '1' }).and.not.to.have.property('x_b')
    expect(length).to.equal(1_000)
    expect((await ask(url, {}, 'x'.repeat(1_001)))[0]).to.equal(413)
    expect((await ask(url, { 'content-length': '2000' }, 'x'.repeat(2_000)))[0]).to.equal(413)
    // Far more than a window: the client learns that nobody wants the rest.
    expect((await ask(url, {}, 'x'.repeat(1_000_000)))[0]).to.equal(413)
  })

  it('counts fields and the bytes of a target over HTTP/2 as over HTTP/1.1, and says why it refuses', async () => {
    const server = serve('--limit-request-fields', '150', '--limit-request-line', '100')
    const url = await server.running()
    const fields = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`x-${n}`, '1']))
    expect((await ask(url, fields(150)))[0]).to.equal(200)
    expect((await ask(url, fields(151)))[0]).to.equal(431)
    await server.says(/Refused a request of 127.0.0.1 with 431: more fields/)
    const path = (length: number) => ({ ':path': `/${'a'.repeat(length - 'GET / HTTP/1.1\r\n'.length)}` })
    expect((await ask(url, path(100)))[0]).to.equal(200)
    expect((await ask(url, path(101)))[0]).to.equal(414)
    await server.says(/Refused a request of 127.0.0.1 with 414/)
    expect((await ask(url, { expect: 'wonders' }))[0]).to.equal(417)
    await server.says(/Refused a request of 127.0.0.1 with 417/)
  })

  it('worker_connections counts connections with TLS, and lets further ones wait', async () => {
    const server = serve('--worker-connections', '1')
    const url = await server.running()
    const first = connectTls({
      port: Number(new URL(url).port),
      host: '127.0.0.1',
      ca: authority.cert,
      servername: 'localhost',
    })
    await once(first, 'secureConnect')
    const answer = ask(url, {})
    await server.says(/worker_connections \(1\) is reached/)
    first.destroy()
    expect((await answer)[0]).to.equal(200)
  })
})
