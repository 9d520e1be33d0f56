/** Over HTTP/2, a body that is refused or a client that leaves ends its stream, and no worker. */
import { once } from 'node:events'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { exchange, statuses } from '../../support/http/raw.ts'
import { launch, type Tsicorn } from '../../support/tsicorn.ts'

const cleartext = ['--http2-cleartext', 'prior-knowledge']

describe('over HTTP/2', () => {
  const sessions: ClientHttp2Session[] = []

  function session(url: string): ClientHttp2Session {
    const one = connect(url).on('error', () => undefined)
    sessions.push(one)
    return one
  }
  afterEach(() => {
    for (const one of sessions.splice(0)) one.destroy()
  })

  function serve(app: string, ...args: string[]): Tsicorn {
    return launch({
      args: ['-b', '127.0.0.1:0', '-w', '1', ...args, './app.mjs'],
      files: { 'app.mjs': app },
      errors: true,
    })
  }

  /** What became of a stream: its status, if there was one, how it ended, and its body. */
  async function outcome(
    stream: ClientHttp2Stream,
  ): Promise<{ status: unknown; code: number; body: string }> {
    let status: unknown
    stream.on('response', headers => {
      status = headers[':status']
    })
    stream.on('error', () => undefined)
    const body = text(stream).catch(() => 'cut')
    await new Promise(resolve => stream.once('close', resolve))
    return { status, code: stream.rstCode ?? 0, body: await body }
  }

  async function ask(
    url: string,
    headers: OutgoingHttpHeaders = {},
  ): Promise<{ status: unknown; code: number; body: string }> {
    return await outcome(session(url).request(headers))
  }

  const lives = async (server: Tsicorn) => {
    expect((await ask(server.url, { ':path': '/alive' })).status).to.equal(200)
    expect(server.log).not.to.contain('exited')
  }

  describe('a body that is refused after the application has begun', () => {
    const echo = `export default (req, res) => {
      if (req.url === '/alive') return res.end('alive')
      if (req.url === '/late') {
        req.resume()
        return setTimeout(() => { res.setHeader('x', 'y'); res.write('a'); res.end('late'); console.log('late') }, 300)
      }
      res.writeHead(200)
      req.pipe(res)
    }`
    const post = { ':method': 'POST' }

    it('for its trailer resets its stream, and costs no worker', async () => {
      const server = serve(echo, ...cleartext)
      const stream = session(await server.running()).request(post, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ authorization: 'x' }))
      stream.end('body')
      const { status, code } = await outcome(stream)
      expect([status, code]).to.deep.equal([200, constants.NGHTTP2_INTERNAL_ERROR])
      await server.says(/Refused a request of 127.0.0.1 with 400: a field that may not be in a trailer/)
      await lives(server)
    })

    it('for its size resets its stream, and costs no worker', async () => {
      const server = serve(echo, ...cleartext, '--limit-request-body', '1000', '--access-logfile', '-')
      const stream = session(await server.running()).request(post)
      stream.write('x'.repeat(100))
      await once(stream, 'response')
      stream.write('x'.repeat(5_000))
      expect((await outcome(stream)).code).to.equal(constants.NGHTTP2_INTERNAL_ERROR)
      await server.says(/"POST \/ HTTP\/2.0" 200 /)
      await lives(server)
    })

    it('gets its answer and no further, and the application may go on', async () => {
      const server = serve(echo, ...cleartext, '--limit-request-body', '1000')
      const stream = session(await server.running()).request({ ...post, ':path': '/late' })
      // No end: the answer is whole without it.
      stream.write('x'.repeat(5_000))
      const { status, code } = await outcome(stream)
      expect([status, code]).to.deep.equal([413, constants.NGHTTP2_NO_ERROR])
      await server.says(/late\n/)
      await lives(server)
    })

    it('of many frames leaves nothing behind that holds up a worker', async () => {
      const server = serve(echo, ...cleartext, '--limit-request-body', '1000', '--access-logfile', '-')
      const stream = session(await server.running()).request({ ...post, ':path': '/late' })
      stream.write('x'.repeat(50_000))
      expect((await outcome(stream)).status).to.equal(413)
      await server.says(/"POST \/late HTTP\/2.0" 413 /)
      await server.stop()
      expect(server.log).not.to.contain('graceful_timeout')
    })

    it('ends its stream also where the request was refused before', async () => {
      const server = serve(echo, ...cleartext, '--limit-request-body', '1000')
      const stream = session(await server.running()).request({ ...post, 'content-length': 99_999 })
      stream.write('x')
      expect(await outcome(stream)).to.include({ status: 413, code: 0 })
      await lives(server)
    })

    it('ends its stream also where request_timeout has answered', async () => {
      const app = `export default (req, res) => {
        if (req.url === '/alive') return res.end('alive')
        req.once('data', () => req.pause())
      }`
      const server = serve(app, ...cleartext, '--request-timeout', '1')
      const stream = session(await server.running()).request(post)
      stream.write('x'.repeat(500_000))
      expect(await outcome(stream)).to.include({ status: 503, code: 0 })
      await lives(server)
    })
  })

  describe('an application with an HTTP/2 server of its own', () => {
    const own: Readonly<Record<string, string>> = {
      'that listens for requests': `server.on('request', (req, res) => res.end('own ' + req.headers.host))`,
      'that listens for streams alone': `server.on('stream', (stream, headers) => stream.end('own ' + headers[':authority']))`,
    }
    for (const [what, listens] of Object.entries(own)) {
      it(`${what} is served`, async () => {
        const app = `import { createServer } from 'node:http2'
          const server = createServer()
          ${listens}
          export default server`
        const server = serve(app, '--request-id-header', 'X-Id')
        const url = await server.running()
        for (let n = 0; n < 2; n += 1) {
          expect(await ask(url)).to.include({ status: 200, body: `own ${new URL(url).host}` })
        }
        expect(server.log).not.to.contain('exited')
      })
    }

    it('that listens by itself, for streams alone, sends the trailers of the application', async () => {
      const server = serve(`import { createServer } from 'node:http2'
        const server = createServer().on('stream', stream => {
          stream.respond({ ':status': 200 }, { waitForTrailers: true })
          stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' })).end('own')
        })
        server.listen(Number(process.env.PORT))`)
      const one = session(await server.running())
      for (let n = 0; n < 2; n += 1) {
        const stream = one.request().resume()
        const [trailers] = await once(stream, 'trailers')
        expect(trailers).to.include({ 'grpc-status': '0' })
      }
      expect(server.log).not.to.contain('exited')
    })
  })

  describe('a client that leaves', () => {
    it('is noticed when it closes its side of the connection', async () => {
      const server = serve(
        `export default (req, res) => { console.log('begun'); res.on('close', () => console.log('left')) }`,
        ...cleartext,
      )
      const one = session(await server.running())
      one.request().on('error', () => undefined)
      await server.says(/begun/)
      one.destroy()
      await server.says(/left/)
    })

    it('is logged also where its request is a HEAD that is never answered', async () => {
      const app = `export default (req, res) => { if (req.url === '/') console.log('begun'); else res.end() }`
      const server = serve(app, ...cleartext, '--access-logfile', '-')
      const stream = session(await server.running()).request({ ':method': 'HEAD' })
      stream.on('error', () => undefined)
      await server.says(/begun/)
      stream.close(constants.NGHTTP2_CANCEL)
      await server.says(/"HEAD \/ HTTP\/2.0" 499 /)
      await lives(server)
    })

    const fetching = `export default { fetch: request => {
      const { pathname } = new URL(request.url)
      if (pathname === '/signal') return new Promise(resolve => {
        console.log('begun')
        request.signal.addEventListener('abort', () => { console.log('aborted'); resolve(new Response()) })
      })
      if (pathname === '/broken') return new Response(new ReadableStream({
        async pull(controller) {
          controller.enqueue(Buffer.from('half'))
          await new Promise(resolve => setTimeout(resolve, 50))
          controller.error(new Error('lost'))
        },
      }))
      if (pathname === '/hops') return new Response('passed on', { headers: { 'keep-alive': 'timeout=5', 'transfer-encoding': 'chunked' } })
      return new Response(new ReadableStream({
        start(controller) { controller.enqueue(Buffer.from('tick')) },
        pull: () => new Promise(() => undefined),
        cancel() { console.log('cancelled') },
      }))
    } }`

    it('aborts the Request of a fetch handler, and cancels its body', async () => {
      const server = serve(fetching, ...cleartext)
      const one = session(await server.running())
      const signal = one.request({ ':path': '/signal' }).on('error', () => undefined)
      await server.says(/begun/)
      signal.close(constants.NGHTTP2_CANCEL)
      await server.says(/aborted/)
      const body = one.request({ ':path': '/body' }).on('error', () => undefined)
      await once(body, 'data')
      body.close(constants.NGHTTP2_CANCEL)
      await server.says(/cancelled/)
    })

    it('sees of a fetch handler whether a body is whole, and no headers of HTTP/1.1', async () => {
      const server = serve(fetching, ...cleartext)
      const url = await server.running()
      expect((await ask(url, { ':path': '/broken' })).code).to.equal(constants.NGHTTP2_INTERNAL_ERROR)
      expect(await ask(url, { ':path': '/hops' })).to.include({ status: 200, body: 'passed on' })
    })
  })

  it('a session is closed when it is idle after a stream that was reset', async () => {
    const server = serve(
      `export default (req, res) => { if (req.url === '/') res.end(); else console.log('begun') }`,
      ...cleartext,
      ...['--keep-alive', '1'],
    )
    const one = session(await server.running())
    const stream = one.request({ ':path': '/never' }).on('error', () => undefined)
    await server.says(/begun/)
    // Longer than an idle session lasts.
    await new Promise(resolve => setTimeout(resolve, 1_500))
    expect(one.closed).to.equal(false)
    stream.close(constants.NGHTTP2_CANCEL)
    await new Promise(resolve => one.once('close', resolve))
  })

  it('an idle session gives up its place to a client that waits for worker_connections', async () => {
    const server = serve(
      `export default (req, res) => res.end('answer')`,
      ...cleartext,
      '--worker-connections',
      '1',
    )
    const url = await server.running()
    const one = session(url)
    expect((await outcome(one.request())).status).to.equal(200)
    const answer = await exchange(url, 'GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n')
    expect(statuses(answer)).to.deep.equal([200])
  })

  it('CONNECT is refused with a line in the log', async () => {
    const server = serve(`export default (req, res) => res.end('answer')`, ...cleartext)
    const stream = session(await server.running()).request({ ':method': 'CONNECT', ':authority': 'test:1' })
    expect((await outcome(stream)).status).to.equal(501)
    await server.says(/Refused a request of 127.0.0.1 with 501: CONNECT is not supported/)
  })
})
