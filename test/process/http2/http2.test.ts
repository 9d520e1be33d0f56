/** HTTP/2 from the choice of it, in TLS or by its first bytes, to the end of its sessions, under frameworks too. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { type ClientHttp2Session, connect } from 'node:http2'
import { get } from 'node:https'
import { connect as connectPlain } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { expect } from 'chai'
import { Authority, hasOpenssl, type Pair } from '../../support/certificates.ts'
import {
  acknowledged,
  type Frame,
  frame,
  framesOf,
  preface,
  get as request,
  types,
  whole,
} from '../../support/http/frames.ts'
import { ask, Http2Load } from '../../support/http/http2-load.ts'
import { Load } from '../../support/http/load.ts'
import { open as openRaw } from '../../support/http/raw.ts'
import { fresh } from '../../support/requests.ts'
import { type LaunchOptions, launch, type Tsicorn } from '../../support/tsicorn.ts'

const app = `
export default async (req, res) => {
  if (req.url === '/slow') return void setTimeout(() => res.end('late ' + process.pid), 1500)
  if (req.url === '/never') return
  if (req.url === '/stream') {
    for (let piece = 0; piece < 10; piece += 1) {
      res.write('piece ')
      await new Promise(done => setTimeout(done, 100))
    }
    return void res.end('end')
  }
  if (req.method === 'POST') {
    let length = 0
    for await (const part of req) length += part.length
    return void res.end('got ' + length)
  }
  res.end([process.pid, req.httpVersion, req.socket.encrypted === true, req.headers.host].join(' '))
}`

const hasCurl = / HTTP2\b/.test(spawnSync('curl', ['-V'], { encoding: 'utf8' }).stdout ?? '')

const cleartext = ['--http2-cleartext', 'prior-knowledge']

describe('HTTP/2', function () {
  this.timeout(240_000)
  let authority: Authority
  let pair: Pair

  before(function () {
    if (!hasOpenssl) {
      process.stderr.write('Skipping HTTP/2: there is no openssl to make certificates with\n')
      this.skip()
    }
    authority = new Authority()
    pair = authority.sign('server')
  })
  after(() => authority?.remove())

  const sessions: ClientHttp2Session[] = []
  afterEach(() => {
    for (const session of sessions.splice(0)) session.destroy()
  })

  function serve(args: readonly string[], { files, ...options }: LaunchOptions = {}): Tsicorn {
    return launch({
      ...options,
      args: ['-b', '127.0.0.1:0', '-w', '1', ...args, './app.mjs'],
      files: { 'app.mjs': app, 'both.pem': pair.cert + pair.key, ...files },
    })
  }

  function serveTls(args: readonly string[] = [], options: LaunchOptions = {}): Tsicorn {
    return serve(['--certfile', 'both.pem', '--http-protocols', 'h2,h1', ...args], options)
  }

  function open(server: Tsicorn): ClientHttp2Session {
    const session = connect(server.url, { ca: authority.cert }).on('error', () => undefined)
    sessions.push(session)
    return session
  }

  it('is chosen in TLS by clients that speak it, beside HTTP/1.1', async () => {
    const server = serveTls(['--access-logfile', '-', '--access-logformat', 'line %(h)s "%(r)s" %(s)s %(B)s'])
    const { host } = new URL(await server.running())
    const { headers, body } = await ask(open(server))
    expect(headers[':status']).to.equal(200)
    expect(body).to.equal(`${server.workers[0]} 2.0 true ${host}`)
    await server.says(new RegExp(`line 127\\.0\\.0\\.1 "GET / HTTP/2\\.0" 200 ${body.length}`))
    expect(await https(server.url)).to.contain(' 1.1 true ')
    await server.says(/line 127\.0\.0\.1 "GET \/ HTTP\/1\.1" 200/)
  })

  it('is offered in the order of http_protocols, and only if it is named', async () => {
    for (const [protocols, chosen] of [
      ['h2,h1', 'h2'],
      ['h1,h2', 'http/1.1'],
      ['h1', 'http/1.1'],
      ['h2', 'h2'],
    ] as const) {
      const server = serve(['--certfile', 'both.pem', '--http-protocols', protocols])
      await server.running()
      const socket = await handshake(server, ['http/1.1', 'h2'])
      expect(socket.alpnProtocol).to.equal(chosen)
      socket.destroy()
      if (protocols !== 'h2') continue
      const old = await handshake(server, undefined)
      expect((await old.setEncoding('utf8').toArray()).join('')).to.match(/^HTTP\/1\.1 505 /)
      expect(await handshake(server, ['http/1.1']).catch((error: Error) => error)).to.be.an('error')
    }
  })

  it('is refused where it has no way to be chosen', async () => {
    for (const [args, message] of [
      [['--http-protocols', 'h2'], /http_protocols \["h2"\] needs certfile/],
      [
        ['--certfile', 'both.pem', ...cleartext],
        /http2_cleartext "prior-knowledge" is for addresses without TLS/,
      ],
    ] as const) {
      const server = serve(args)
      expect((await server.ended).code).to.equal(1)
      expect(server.log).to.match(message)
    }
  })

  it('serves curl', async function () {
    if (!hasCurl) this.skip()
    const server = serveTls()
    await server.running()
    server.write('ca.pem', authority.cert)
    const plain = serve(cleartext)
    await plain.running()
    const curl = (...args: string[]) =>
      spawnSync('curl', ['-sS', '-w', ' %{http_version}', ...args], { encoding: 'utf8' }).stdout
    const ca = ['--cacert', `${server.folder}/ca.pem`]
    expect(curl('--http2', ...ca, server.url)).to.match(/ 2\.0 true \S+ 2$/)
    expect(curl('--http1.1', ...ca, server.url)).to.match(/ 1\.1 true \S+ 1\.1$/)
    expect(curl('--http2-prior-knowledge', plain.url)).to.match(/ 2\.0 false \S+ 2$/)
    expect(curl('--http1.1', '-d', 'x'.repeat(100_000), plain.url)).to.equal('got 100000 1.1')
  })

  it('is known without TLS by its first bytes, however they come', async () => {
    const server = serve(cleartext)
    const { hostname, port } = new URL(await server.running())
    expect((await ask(open(server))).body).to.contain(' 2.0 false ')
    expect((await ask(open(server), { ':method': 'POST' }, 'x'.repeat(200_000))).body).to.equal('got 200000')
    expect(await fresh(server.url)).to.contain(' 1.1 false ')
    const answer = async (bytes: string) => {
      const socket = connectPlain(Number(port), hostname).setNoDelay()
      for (const byte of bytes) {
        socket.write(byte)
        await new Promise(resolve => setImmediate(resolve))
      }
      const [data] = (await once(socket, 'data')) as [Buffer]
      socket.destroy()
      return data
    }
    expect(String(await answer('GET / HTTP/1.1\r\nHost: slow\r\n\r\n'))).to.match(/^HTTP\/1\.1 200/)
    expect(String(await answer('PUT / HTTP/1.1\r\nHost: slow\r\nContent-Length: 2\r\n\r\nab'))).to.match(
      /^HTTP\/1\.1 200/,
    )
    // An empty frame of settings answers with the settings of the server.
    const settings = await answer('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0')
    expect(settings[3]).to.equal(4)
  })

  it('serves connections that come on a further address', async () => {
    const server = serve([...cleartext, '-b', 'unix:app.sock'])
    await server.running()
    const session = connect('http://localhost', {
      createConnection: () => connectPlain(`${server.folder}/app.sock`),
    })
    sessions.push(session)
    expect((await ask(session)).body).to.contain(' 2.0 ')
  })

  it('limits streams, windows, frames and headers as it is told', async () => {
    const limits = ['max-concurrent-streams', 'initial-window-size', 'max-frame-size', 'max-header-list-size']
    const values = [7, 1_000_000, 20_000, 10_000]
    const server = serveTls(limits.map((name, index) => `--http2-${name}=${values[index]}`))
    await server.running()
    const session = open(server)
    const [settings] = (await once(session, 'remoteSettings')) as [object]
    expect(settings).to.include({
      maxConcurrentStreams: 7,
      initialWindowSize: 1_000_000,
      maxFrameSize: 20_000,
      maxHeaderListSize: 10_000,
    })
    const large = await ask(session, { big: 'x'.repeat(12_000) }).catch((error: Error) => error)
    expect(large).to.be.an('error')
    expect((await ask(open(server), { fits: 'x'.repeat(5_000) })).body).to.contain('2.0')
  })

  it('answers late requests for the app, and counts requests of a session', async () => {
    const server = serveTls([
      '--request-timeout',
      '0.5',
      '--access-logfile',
      '-',
      '--access-logformat',
      'line %(U)s %(s)s',
    ])
    await server.running()
    const session = open(server)
    const late = await ask(session, { ':path': '/slow' })
    expect(late.headers[':status']).to.equal(503)
    await server.says(/line \/slow 503/)
    expect((await ask(session)).headers[':status']).to.equal(200)
    // By now the app has answered in vain.
    expect((await ask(session, { ':path': '/stream' })).body).to.match(/end$/)
    expect(server.log).not.to.match(/exited/)
  })

  it('closes a session that has been idle for keepalive, and no other', async () => {
    const server = serveTls(['--keep-alive', '1'])
    await server.running()
    const session = open(server)
    expect((await ask(session, { ':path': '/slow' })).body).to.match(/^late/)
    const other = open(server)
    await ask(other)
    await once(other, 'close')
  })

  for (const [name, args] of [
    ['over TLS', ['--certfile', 'both.pem', '--http-protocols', 'h2,h1']],
    ['without TLS', cleartext],
  ] as const) {
    describe(`${name}, while a worker leaves`, () => {
      it('finishes the streams that are open, while new ones go to the new worker', async () => {
        const server = serve(args)
        await server.running()
        const session = open(server)
        await ask(session)
        const [before] = server.workers
        const slow = ask(session, { ':path': '/slow' })
        const streamed = ask(session, { ':path': '/stream' })
        await ask(session)
        const goaway = once(session, 'goaway')
        await server.reload()
        await goaway
        expect((await ask(open(server))).body).not.to.contain(`${before} `)
        expect((await slow).body).to.equal(`late ${before}`)
        expect((await streamed).body).to.match(/^(piece ){10}end$/)
        const over = performance.now()
        await server.says(new RegExp(`\\(pid ${before}\\) exited with code 0: replaced`))
        expect(performance.now() - over).to.be.lessThan(5_000)
        expect(server.log).not.to.match(/cutting/)
      })

      it('closes a session that is idle, whatever its client does', async () => {
        const server = serve(args)
        await server.running()
        const session = open(server)
        await ask(session)
        const closed = once(session, 'close')
        server.signal('SIGTERM')
        await closed
        expect(await server.ended).to.deep.equal({ code: 0, signal: null })
        expect(server.log).not.to.match(/cutting/)
      })

      it('cuts what is open at graceful_timeout', async () => {
        const server = serve([...args, '--graceful-timeout', '1'])
        await server.running()
        const session = open(server)
        await ask(session)
        const never = ask(session, { ':path': '/never' }).catch(() => 'cut')
        await ask(session)
        server.signal('SIGHUP')
        await server.says(/graceful_timeout is over: cutting 1 connection/)
        expect(await never).to.equal('cut')
        await server.says(/Worker 1 .* exited with code 0/)
      })

      it('loses nothing under load, beside HTTP/1.1', async () => {
        const server = serve([...args, '-w', '2'])
        const url = await server.running()
        const options = name === 'over TLS' ? { ca: authority.cert } : {}
        const load = new Http2Load(url, 8, options)
        const beside = new Load({ url, clients: 1, keepAlive: true, ...options })
        for (let reload = 0; reload < 3; reload += 1) {
          await load.answered(100)
          await server.reload()
        }
        await load.answered(100)
        await load.stop()
        expect((await beside.stop()).failures).to.deep.equal([])
        expect(load.failures).to.deep.equal([])
        expect(load.sessions).to.be.greaterThan(3)
      })
    })
  }

  it('answers what a client sent before it was told to end, and names that as the last', async () => {
    const server = serve(cleartext)
    const socket = await openRaw(await server.running())
    const frames = framesOf(socket)
    const next = async (...wanted: number[]) => {
      for (;;) {
        const { value } = await frames.next()
        if (value === undefined || (wanted.includes(value.type ?? -1) && value.flags !== acknowledged))
          return value
      }
    }
    socket.write(
      Buffer.concat([preface, frame(types.settings, 0, 0), frame(types.settings, acknowledged, 0)]),
    )
    await next(types.settings)
    server.signal('SIGHUP')
    socket.write(frame(types.ping, acknowledged, 0, (await next(types.ping))?.payload))
    const first = await next(types.goaway)
    expect(first?.payload.readUInt32BE()).to.equal(2 ** 31 - 1)
    const { payload } = (await next(types.ping)) as Frame
    socket.write(
      Buffer.concat([frame(types.headers, whole, 1, request), frame(types.ping, acknowledged, 0, payload)]),
    )
    const rest = [await next(types.headers, types.goaway), await next(types.headers, types.goaway)]
    const of = (type: number) => rest.find(one => one?.type === type)
    expect(of(types.headers)?.stream).to.equal(1)
    expect(of(types.goaway)?.payload.readUInt32BE()).to.equal(1)
    socket.destroy()
  })

  it('does not wait for a client that answers nothing', async () => {
    const server = serve(cleartext)
    const { hostname: host, port } = new URL(await server.running())
    const socket = connectPlain({ host, port: Number(port), allowHalfOpen: true })
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0')
    await once(socket, 'data')
    server.signal('SIGTERM')
    expect((await server.ended).code).to.equal(0)
    expect(server.log).not.to.match(/cutting/)
    socket.destroy()
  })

  it('serves a session that is opened while the worker leaves', async () => {
    const server = serve(cleartext)
    const { hostname: host, port } = new URL(await server.running())
    const socket = connectPlain(Number(port), host)
    await once(socket, 'connect')
    await fresh(server.url)
    server.signal('SIGTERM')
    await server.says(/finish what they have/)
    const session = connect('http://localhost', { createConnection: () => socket })
    sessions.push(session)
    const answers = await Promise.all([ask(session), ask(session, { ':path': '/slow' })])
    expect(answers.map(({ headers }) => headers[':status'])).to.deep.equal([200, 200])
    expect((await server.ended).code).to.equal(0)
    expect(server.log).not.to.match(/cutting/)
  })

  describe('and frameworks', () => {
    const frameworks: Readonly<Record<string, string>> = {
      express: `import express from 'express'
        const app = express()
        app.use(express.json())
        app.get('/', (req, res) => res.cookie('a', 'b').json({ version: req.httpVersion, secure: req.secure, host: req.hostname }))
        app.post('/', (req, res) => res.send(req.body))
        export default app`,
      'express in a server': `import { createServer } from 'node:http'
        import express from 'express'
        const app = express()
        app.use(express.json())
        app.get('/', (req, res) => res.cookie('a', 'b').json({ version: req.httpVersion, secure: req.secure, host: req.hostname }))
        app.post('/', (req, res) => res.send(req.body))
        createServer(app).listen(process.env.PORT)`,
      koa: `import Koa from 'koa'
        const app = new Koa()
        app.use(async context => {
          if (context.method !== 'POST') {
            context.cookies.set('a', 'b')
            context.body = { version: context.req.httpVersion, secure: context.secure, host: context.hostname }
            return
          }
          let text = ''
          for await (const part of context.req) text += part
          context.body = JSON.parse(text)
        })
        export default app`,
      fastify: `import fastify from 'fastify'
        const app = fastify()
        app.get('/', async (req, reply) => {
          reply.header('set-cookie', 'a=b')
          return { version: req.raw.httpVersion, secure: req.protocol === 'https', host: req.hostname }
        })
        app.post('/', async req => req.body)
        export default app`,
      hono: `import { Hono } from 'hono'
        const app = new Hono()
        app.get('/', context => {
          const url = new URL(context.req.url)
          context.header('set-cookie', 'a=b')
          return context.json({ version: context.env.incoming.httpVersion, secure: url.protocol === 'https:', host: url.hostname })
        })
        app.post('/', async context => context.json(await context.req.json()))
        export default app`,
      fetch: `export default { async fetch(request, { incoming }) {
          const { protocol, hostname: host } = new URL(request.url)
          if (request.method === 'POST') return Response.json(await request.json())
          const headers = new Headers([['set-cookie', 'a=b'], ['set-cookie', 'c=d']])
          return Response.json({ version: incoming.httpVersion, secure: protocol === 'https:', host }, { headers, statusText: 'Fine' })
        } }`,
    }
    for (const [name, text] of Object.entries(frameworks)) {
      it(`answer: ${name}`, async () => {
        const server = serveTls([], {
          files: {
            'app.mjs': text.replace(
              /from '(express|koa|fastify|hono)'/,
              (_, found) => `from '${import.meta.resolve(found)}'`,
            ),
          },
        })
        await server.running()
        const session = open(server)
        const { headers, body } = await ask(session)
        expect(JSON.parse(body)).to.deep.equal({ version: '2.0', secure: true, host: '127.0.0.1' })
        expect(headers['set-cookie']?.[0]).to.match(/^a=b/)
        if (name === 'fetch') expect(headers['set-cookie']).to.have.length(2)
        const json = { 'content-type': 'application/json', ':method': 'POST' }
        expect((await ask(session, json, '{"sent":1}')).body).to.equal('{"sent":1}')
        const measured = { ...json, 'content-length': 10 }
        expect((await ask(session, measured, '{"sent":1}')).body).to.equal('{"sent":1}')
        expect((await ask(session, { ':method': 'HEAD' })).body).to.equal('')
        expect(JSON.parse(await https(server.url))).to.include({ version: '1.1', secure: true })
        expect(server.log).not.to.match(/Warning/)
      })
    }
  })

  async function handshake(server: Tsicorn, protocols: string[] | undefined) {
    const { hostname, port } = new URL(server.url)
    const alpn = protocols === undefined ? {} : { ALPNProtocols: protocols }
    const socket = connectTls({ host: hostname, port: Number(port), ca: authority.cert, ...alpn })
    await once(socket, 'secureConnect')
    return socket
  }

  function https(url: string): Promise<string> {
    return new Promise((resolve, reject) => {
      get(url, { agent: false, ca: authority.cert }, response => {
        response
          .setEncoding('utf8')
          .toArray()
          .then(parts => resolve(parts.join('')), reject)
      }).once('error', reject)
    })
  }
})
