/** Apps whose own server of `net` or `tls` hands its connections to HTTP servers: `http` and `https` at one port. */
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import https from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Authority, hasOpenssl, type Pair } from '../../support/certificates.ts'
import { ask } from '../../support/http/http2-load.ts'
import { Load } from '../../support/http/load.ts'
import { exchange, first, open, statuses } from '../../support/http/raw.ts'
import { fresh } from '../../support/requests.ts'
import { freePort, type LaunchOptions, launch, type Tsicorn } from '../../support/tsicorn.ts'

const authority = hasOpenssl ? new Authority() : undefined
const { cert, key } = authority?.sign('localhost') ?? ({} as Pair)

after(() => authority?.remove())

/** The usual idiom: the first byte says whether a client speaks TLS. */
const polyglot = (listen: string) => `import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
const answer = async (req, res) => {
  if (req.url === '/slow') await new Promise(resolve => setTimeout(resolve, 400))
  res.end([req.socket.encrypted ? 'https' : 'http', req.socket.remoteAddress, process.pid].join(' '))
}
const plain = http.createServer(answer)
const secure = https.createServer({ cert: readFileSync('cert.pem'), key: readFileSync('key.pem') }, answer)
const front = net.createServer(socket => {
  socket.once('data', bytes => {
    socket.pause()
    const server = bytes[0] === 22 ? secure : plain
    socket.unshift(bytes)
    server.emit('connection', socket)
    process.nextTick(() => socket.resume())
  })
})
front.on('close', () => console.log('the front is closed'))
front.listen(${listen})\n`

function serve(text: string, args: readonly string[] = [], options: LaunchOptions = {}): Tsicorn {
  const files = { 'app.mjs': text, 'cert.pem': cert ?? '', 'key.pem': key ?? '' }
  return launch({ ...options, args: ['-w', '2', ...args, './app.mjs'], files })
}

async function overTls(url: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    https
      .get(url, { ca: authority?.cert, agent: false }, response => {
        let text = ''
        response.setEncoding('utf8').on('data', chunk => (text += chunk))
        response.on('end', () => resolve(text))
      })
      .once('error', reject)
  })
}

describe('a plain server that hands its connections to HTTP servers', () => {
  before(function () {
    if (!hasOpenssl) this.skip()
  })

  it('is served at the address of the app, and loses no request to three reloads', async () => {
    const port = await freePort()
    const server = serve(polyglot(`${port}, '127.0.0.1'`))
    await server.running()
    const [url, secure] = [`http://127.0.0.1:${port}/`, `https://127.0.0.1:${port}/`]
    expect(await fresh(url)).to.match(/^http /)
    expect(await overTls(secure)).to.match(/^https /)
    const loads = [
      new Load({ url, clients: 3, keepAlive: true }),
      new Load({ url: secure, clients: 3, keepAlive: true, ca: authority!.cert }),
      new Load({ url, clients: 1, keepAlive: false }),
    ]
    for (let reloads = 0; reloads < 3; reloads += 1) {
      await Promise.all(loads.map(async load => await load.answered(40)))
      await server.reload()
    }
    await Promise.all(loads.map(async load => await load.answered(40)))
    for (const load of loads) expect((await load.stop()).failures).to.deep.equal([])
    server.signal('SIGTERM')
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
    expect(server.log).not.to.match(/graceful_timeout is over/)
    expect(server.log).to.match(/the front is closed/)
  })

  it('finishes its requests at a stop, and closes idle connections', async () => {
    const server = serve(polyglot('process.env.PORT'), ['-b', '127.0.0.1:0', '-w', '1'])
    const url = await server.running()
    const kept = await open(url)
    kept.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(await first(kept)).to.contain('Connection: keep-alive')
    const busy = await open(url)
    busy.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
    const untouched = await open(url)
    const answer = first(busy)
    // The worker has to have read the request.
    expect(await fresh(url)).to.match(/^http /)
    server.signal('SIGTERM')
    expect(await answer).to.match(/^HTTP\/1\.1 200 OK.*Connection: close.*http /s)
    await Promise.all([kept, busy, untouched].map(async socket => await once(socket.resume(), 'end')))
    for (const socket of [kept, busy, untouched]) socket.destroy()
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
    expect(server.log).not.to.match(/graceful_timeout is over/)
  })

  it('has its requests validated, and in the access log', async () => {
    const args = ['-b', '127.0.0.1:0', '--access-logfile', 'access.log', '--limit-request-line', '100']
    const server = serve(polyglot('process.env.PORT'), args)
    const url = await server.running()
    expect(await fresh(`${url}/logged`)).to.match(/^http /)
    expect(await overTls(`${url.replace('http', 'https')}/secure`)).to.match(/^https /)
    expect(
      statuses(await exchange(url, `GET /${'a'.repeat(200)} HTTP/1.1\r\nHost: a\r\n\r\n`)),
    ).to.deep.equal([414])
    expect(statuses(await exchange(url, 'nonsense\r\n\r\n'))).to.deep.equal([400])
    await server.stop()
    const log = server.read('access.log')
    expect(log).to.match(/"GET \/logged HTTP\/1\.1" 200 /)
    expect(log).to.match(/"GET \/secure HTTP\/1\.1" 200 /)
    expect(log).to.match(/" 414 /)
  })

  it('gets the address that a PROXY header names', async () => {
    const server = serve(polyglot('process.env.PORT'), ['-b', '127.0.0.1:0', '--proxy-protocol', 'required'])
    const url = await server.running()
    const request = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
    expect(await exchange(url, `PROXY TCP4 192.0.2.7 192.0.2.1 5000 80\r\n${request}`)).to.contain(
      'http 192.0.2.7',
    )
    expect(await exchange(url, 'PROXY TCP4 192.0.2.8 192.0.2.1 5000 80\r\n', request)).to.contain(
      'http 192.0.2.8',
    )
    expect(await exchange(url, request)).not.to.contain('200 OK')
  })

  it('outlives clients that leave in any moment of a handshake', async () => {
    const server = serve(polyglot('process.env.PORT'), ['-b', '127.0.0.1:0'])
    const url = await server.running()
    const workers = server.workers.toSorted()
    const hello = Buffer.from('16030100c8010000c40303', 'hex')
    for (const bytes of ['', hello.subarray(0, 1), hello, Buffer.alloc(300, 22), 'GET / HT', '\0']) {
      for (const leave of ['resetAndDestroy', 'destroy', 'end'] as const) {
        const socket = await open(url)
        if (bytes.length > 0) await new Promise(resolve => socket.write(bytes, resolve))
        socket[leave]()
        if (leave === 'end') setTimeout(() => socket.destroy(), 100)
      }
    }
    await sleep(200)
    expect(await fresh(url)).to.match(/^http /)
    expect(await overTls(url.replace('http', 'https'))).to.match(/^https /)
    expect(server.workers.toSorted()).to.deep.equal(workers)
  })

  it('listens beside an HTTP server', async () => {
    const [port, other] = [await freePort(), await freePort()]
    const text = `${polyglot(`${port}, '127.0.0.1'`)}
      http.createServer((req, res) => res.end('other')).listen(${other}, '127.0.0.1')`
    const server = serve(text)
    await server.running()
    for (let reloads = 0; reloads < 2; reloads += 1) {
      expect(await fresh(`http://127.0.0.1:${port}`)).to.match(/^http /)
      expect(await fresh(`http://127.0.0.1:${other}`)).to.equal('other')
      await server.reload()
    }
  })

  it('is refused with its port where another address is bound', async () => {
    const port = await freePort()
    const server = serve(polyglot(`${port}, '127.0.0.1'`), ['-b', '127.0.0.1:0'], { errors: true })
    expect(await server.ended).to.deep.equal({ code: 4, signal: null })
    expect(server.log).to.contain(`it listens on port ${port} of 127.0.0.1, and tsicorn is bound to`)
    expect(server.log).to.contain(`start tsicorn with -b 127.0.0.1:${port}`)
  })

  it('may be a TLS server', async () => {
    const server = serve(
      `import { readFileSync } from 'node:fs'
       import http from 'node:http'
       import tls from 'node:tls'
       const plain = http.createServer((req, res) => res.end('tls ' + process.pid))
       const options = { cert: readFileSync('cert.pem'), key: readFileSync('key.pem') }
       tls.createServer(options, socket => plain.emit('connection', socket)).listen(process.env.PORT)`,
      ['-b', '127.0.0.1:0'],
    )
    const url = (await server.running()).replace('http', 'https')
    const load = new Load({ url, clients: 3, keepAlive: true, ca: authority!.cert })
    await load.answered(20)
    await server.reload()
    await load.answered(20)
    expect((await load.stop()).failures).to.deep.equal([])
    await server.stop()
    expect(server.log).not.to.match(/graceful_timeout is over/)
  })

  for (const [what, wrap] of [
    ['TLS', `new tls.TLSSocket(socket, { isServer: true, secureContext: context })`],
    ['a stream', `around(socket)`],
  ] as const) {
    it(`may put ${what} around its connections first`, async () => {
      const server = serve(
        `import { readFileSync } from 'node:fs'
         import http from 'node:http'
         import net from 'node:net'
         import { duplexPair } from 'node:stream'
         import tls from 'node:tls'
         const context = tls.createSecureContext({ cert: readFileSync('cert.pem'), key: readFileSync('key.pem') })
         const around = socket => {
           const [one, other] = duplexPair()
           socket.pipe(one).pipe(socket)
           return other
         }
         const plain = http.createServer((req, res) => res.end('wrapped'))
         net.createServer(socket => plain.emit('connection', ${wrap})).listen(process.env.PORT)`,
        ['-b', '127.0.0.1:0', '--graceful-timeout', '3', '--access-logfile', 'access.log'],
      )
      const url = await server.running()
      for (let reloads = 0; reloads < 2; reloads += 1) {
        const secure = url.replace('http', 'https')
        expect(await (what === 'TLS' ? overTls(secure) : fresh(url))).to.equal('wrapped')
        await server.reload()
      }
      await server.stop()
      expect(server.read('access.log').match(/"GET \/ HTTP\/1\.1" 200/g)).to.have.length(2)
      expect(server.log).not.to.match(/graceful_timeout is over/)
    })
  }

  it('has its connections limited by worker_connections', async () => {
    const args = ['-b', '127.0.0.1:0', '-w', '1', '--worker-connections', '2']
    const server = serve(polyglot('process.env.PORT'), args)
    const url = await server.running()
    const load = new Load({ url, clients: 6, keepAlive: true })
    await load.answered(60)
    expect((await load.stop()).failures).to.deep.equal([])
    await server.says(/worker_connections \(2\) is reached/)
  })

  it('has upgraded connections kept until they end', async () => {
    const server = serve(
      `import http from 'node:http'
       import net from 'node:net'
       const plain = http.createServer()
       plain.on('upgrade', (req, socket) => {
         socket.write('HTTP/1.1 101 Switching Protocols\\r\\nConnection: upgrade\\r\\nUpgrade: own\\r\\n\\r\\n')
         socket.pipe(socket)
       })
       net.createServer(socket => plain.emit('connection', socket)).listen(process.env.PORT)`,
      ['-b', '127.0.0.1:0', '-w', '1'],
    )
    const socket = await open(await server.running())
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: own\r\n\r\n')
    expect(await first(socket)).to.contain('101 Switching')
    server.signal('SIGTERM')
    await server.says(/Stopping/)
    socket.write('still here')
    expect(await first(socket)).to.equal('still here')
    socket.end()
    await once(socket.resume(), 'end')
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
    expect(server.log).not.to.match(/graceful_timeout is over/)
  })

  it('may hand connections to HTTP/2 as well', async () => {
    const server = serve(
      `import http from 'node:http'
       import http2 from 'node:http2'
       import net from 'node:net'
       const answer = (req, res) => res.end(req.httpVersion)
       const servers = { P: http2.createServer(answer), G: http.createServer(answer) }
       net.createServer(socket => {
         socket.once('readable', () => {
           const bytes = socket.read()
           if (bytes === null) return
           socket.unshift(bytes)
           servers[String.fromCharCode(bytes[0])].emit('connection', socket)
         })
       }).listen(process.env.PORT)`,
      ['-b', '127.0.0.1:0', '-w', '1'],
    )
    const url = await server.running()
    expect(await fresh(url)).to.equal('1.1')
    const session = connectHttp2(url)
    expect((await ask(session)).body).to.equal('2.0')
    const goaway = once(session, 'goaway')
    server.signal('SIGTERM')
    await goaway
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
    expect(server.log).not.to.match(/graceful_timeout is over/)
  })
})
