/** Each request has one whole line in the access log, however its client, its answer or the file ends. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import http, { type RequestListener } from 'node:http'
import http2 from 'node:http2'
import net, { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type AccessLog, openAccessLog } from '../../../worker/access-log/access-log.ts'
import { track } from './logged.ts'

describe('access log', () => {
  let folder: string
  let accesslog: string
  let server: http.Server | http2.Http2Server
  let log: AccessLog
  let port: number

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tsicorn-access-log-'))
    accesslog = join(folder, 'access.log')
  })
  afterEach(() => {
    server.close()
    return rm(folder, { recursive: true })
  })

  async function serve(access_log_format: string, app: RequestListener): Promise<void> {
    log = await openAccessLog({ accesslog, access_log_format, onError: fail })
    server = http.createServer((req, res) => {
      track(log, req, res)
      app(req, res)
    })
    await listen()
  }

  async function listen(): Promise<void> {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }

  /** Closes server and log, so that everything is written. */
  async function lines(): Promise<string[]> {
    server.close()
    await once(server, 'close')
    await log.close()
    return linesOf(await readFile(accesslog, 'utf8'))
  }

  function get(path: string, init: RequestInit = {}): Promise<string> {
    const headers = { connection: 'close', ...init.headers }
    return fetch(`http://127.0.0.1:${port}${path}`, { ...init, headers }).then(response => response.text())
  }

  it('writes the default format', async () => {
    await serve('%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"', (_req, res) =>
      res.end('hello'),
    )
    await get('/a?b', { headers: { 'user-agent': 'probe' } })
    expect((await lines())[0]).to.match(
      /^127\.0\.0\.1 - - \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET \/a\?b HTTP\/1\.1" 200 5 "-" "probe"$/,
    )
  })

  const bodies: Readonly<Record<string, { readonly app: RequestListener; readonly bytes: number }>> = {
    'a string in end': { app: (_req, res) => res.end('héllo'), bytes: 6 },
    'a string in another encoding': { app: (_req, res) => res.end('00ff10', 'hex'), bytes: 3 },
    'bytes in pieces, without the framing of chunks': {
      app: (_req, res) => {
        res.write(Buffer.alloc(1000))
        res.write(new Uint8Array(500))
        res.end()
      },
      bytes: 1500,
    },
    'a callback instead of a body': { app: (_req, res) => void res.end(() => undefined), bytes: 0 },
    'a body that status 204 forbids': { app: (_req, res) => res.writeHead(204).end('gone'), bytes: 0 },
    'a second end': {
      app: (_req, res) => {
        res.on('error', () => undefined)
        res.end('once')
        res.end('twice')
      },
      bytes: 4,
    },
  }
  for (const [name, { app, bytes }] of Object.entries(bodies)) {
    it(`counts ${name}`, async () => {
      await serve('%(b)s', app)
      await get('/')
      expect(await lines()).to.deep.equal([String(bytes)])
    })
  }

  it('counts no body for HEAD', async () => {
    await serve('%(s)s %(B)s', (_req, res) => res.end('hello'))
    await get('/', { method: 'HEAD' })
    expect(await lines()).to.deep.equal(['200 0'])
  })

  const heads: Readonly<Record<string, RequestListener>> = {
    setHeader: (_req, res) => res.setHeader('X-Reply', 'yes').end(),
    'writeHead with an object': (_req, res) => res.writeHead(200, { 'X-Reply': 'yes' }).end(),
    'writeHead with a list': (_req, res) => res.writeHead(200, ['A', 'b', 'X-Reply', 'yes']).end(),
    'writeHead with a reason': (_req, res) => res.writeHead(200, 'Fine', { 'x-reply': 'yes' }).end(),
  }
  for (const [name, app] of Object.entries(heads)) {
    it(`prints a header that came by ${name}`, async () => {
      await serve('%({x-reply}o)s', app)
      await get('/')
      expect(await lines()).to.deep.equal(['yes'])
    })
  }

  it('logs a client that left before any response with 499', async () => {
    await serve('%(h)s %(r)s %(s)s %(b)s', req => void req.socket.destroy())
    await get('/gone').catch(() => undefined)
    expect(await lines()).to.deep.equal(['127.0.0.1 GET /gone HTTP/1.1 499 0'])
  })

  it('logs a client that left in the middle of a response with the status it was sent', async () => {
    await serve('%(s)s %(b)s', (_req, res) => {
      res.write('part', () => res.socket?.destroy())
    })
    await get('/').catch(() => undefined)
    expect(await lines()).to.deep.equal(['200 4'])
  })

  it('logs pipelined requests that were never answered because their client left', async () => {
    let seen = 0
    const { promise, resolve: gone } = Promise.withResolvers<void>()
    await serve('%(U)s %(s)s', req => {
      seen += 1
      if (seen < 3) return
      req.socket.once('close', gone)
      client.destroy()
    })
    const client = net.connect(port, '127.0.0.1')
    client.write(['/1', '/2', '/3'].map(path => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''))
    await promise
    await log.reopen()
    const written = linesOf(await readFile(accesslog, 'utf8'))
    await lines()
    expect(written.sort()).to.deep.equal(['/1 499', '/2 499', '/3 499'])
  })

  it('logs pipelined requests once each, and in order', async () => {
    await serve('%(U)s %(s)s', (_req, res) => setImmediate(() => res.end()))
    const client = net.connect(port, '127.0.0.1')
    const paths = Array.from({ length: 30 }, (_, n) => `/${n}`)
    client.end(paths.map(path => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''))
    client.resume()
    await once(client, 'close')
    expect(await lines()).to.deep.equal(paths.map(path => `${path} 200`))
  })

  it('logs a request that was refused before it could be understood', async () => {
    await serve('%(h)s "%(r)s" %(s)s %(b)s %({x}i)s %({x}o)s', (_req, res) => res.end())
    server.on('clientError', (_error, socket) => {
      log.rejected(socket as net.Socket, 400)
      socket.destroy()
    })
    const client = net.connect(port, '127.0.0.1', () => client.write('nonsense\r\n\r\n'))
    await once(client, 'close')
    expect(await lines()).to.deep.equal(['127.0.0.1 "-" 400 12 - -'])
  })

  it('counts each body once in the compatibility layer of HTTP/2', async () => {
    log = await openAccessLog({
      accesslog,
      access_log_format: '%(r)s %(s)s %(b)s %({x-reply}o)s',
      onError: fail,
    })
    server = http2.createServer((req, res) => {
      track(log, req as never, res as never)
      res.writeHead(200, { 'x-reply': 'yes' })
      res.write('hel')
      res.end('lo')
    })
    await listen()
    const session = http2.connect(`http://127.0.0.1:${port}`)
    await once(session.request({ ':path': '/h2' }).resume(), 'close')
    session.close()
    expect(await lines()).to.deep.equal(['GET /h2 HTTP/2.0 200 5 yes'])
  })

  it('knows a response that was cut off in the compatibility layer of HTTP/2', async () => {
    log = await openAccessLog({ accesslog, access_log_format: 'json', onError: fail })
    server = http2.createServer((req, res) => {
      track(log, req as never, res as never)
      if (req.url === '/whole') res.end('hello')
      else res.write('part')
    })
    await listen()
    const session = http2.connect(`http://127.0.0.1:${port}`)
    await once(session.request({ ':path': '/whole' }).resume(), 'close')
    const cut = session.request({ ':path': '/cut' })
    await once(cut, 'data')
    cut.close(http2.constants.NGHTTP2_CANCEL)
    await once(cut, 'close')
    session.close()
    const records = (await lines()).map(line => JSON.parse(line))
    expect(records.map(({ url, outcome }) => [url, outcome])).to.deep.equal([
      ['/whole', 'ok'],
      ['/cut', 'aborted'],
    ])
  })

  it('writes more lines than fit into one piece without splitting any', async () => {
    await serve('%({x-filler}i)s end', (_req, res) => res.end())
    const filler = 'x'.repeat(4000)
    const agent = new http.Agent({ keepAlive: true, maxSockets: 4 })
    await Promise.all(
      Array.from({ length: 60 }, async () => {
        const [response] = await once(http.get({ port, agent, headers: { 'x-filler': filler } }), 'response')
        response.resume()
        await once(response, 'end')
      }),
    )
    agent.destroy()
    const written = await lines()
    expect(written).to.have.length(60)
    expect(written.every(line => line === `${filler} end`)).to.equal(true)
  })

  it('logs what is unfinished when it is closed', async () => {
    await serve('%(U)s %(s)s', (_req, res) => {
      res.flushHeaders()
      seen()
    })
    const { promise, resolve: seen } = Promise.withResolvers<void>()
    const client = http.get({ port, path: '/slow' }).on('error', () => undefined)
    await promise
    await log.close()
    client.destroy()
    expect(linesOf(await readFile(accesslog, 'utf8'))).to.deep.equal(['/slow 200'])
  })

  it('refuses a file that cannot be opened and names the cure', async () => {
    const path = join(folder, 'absent', 'access.log')
    const options = { accesslog: path, access_log_format: '%(s)s', onError: fail }
    const error = await openAccessLog(options).catch(error => error)
    expect(error.message).to.equal(
      `Cannot open accesslog "${path}" for appending: no such file or directory: create its folder, or use "-" for standard output`,
    )
  })

  it('refuses a format that cannot be read', async () => {
    const error = await openAccessLog({ accesslog, access_log_format: '%z', onError: fail }).catch(
      error => error,
    )
    expect(error.message).to.match(/^access_log_format cannot be read at "%z"/)
  })

  it('loses, splits and repeats no line when two processes append and the file is rotated under traffic', async () => {
    const workers = await Promise.all([startWorker(accesslog), startWorker(accesslog)])
    try {
      let next = 0
      const request = async (ofWorker: number) => {
        await fetch(`http://127.0.0.1:${workers[ofWorker]!.port}/${next++}`).then(response => response.text())
      }
      for (let rotation = 1; rotation <= 4; rotation++) {
        const traffic = Array.from({ length: 8 }, async (_, client) => {
          for (let n = 0; n < 25; n++) await request(client % 2)
        })
        await request(0)
        await rename(accesslog, `${accesslog}.${rotation}`)
        await Promise.all(workers.map(worker => worker.ask('reopen')))
        await Promise.all(traffic)
      }
      await Promise.all(workers.map(worker => worker.ask('close')))
      const files = (await readdir(folder)).sort()
      expect(files).to.deep.equal(['access.log', ...[1, 2, 3, 4].map(n => `access.log.${n}`)])
      const contents = await Promise.all(files.map(file => readFile(join(folder, file), 'utf8')))
      const numbers = contents
        .flatMap(linesOf)
        .map(line => Number(/^"GET \/(\d+) HTTP\/1\.1" 200 5$/.exec(line)?.[1]))
      expect(numbers.sort((a, b) => a - b)).to.deep.equal(Array.from({ length: next }, (_, n) => n))
    } finally {
      await Promise.all(workers.map(worker => worker.stop()))
    }
  })
})

function fail(message: string): void {
  throw new Error(message)
}

function linesOf(text: string): string[] {
  expect(text === '' || text.endsWith('\n')).to.equal(true)
  return text.split('\n').slice(0, -1)
}

interface TestWorker {
  readonly port: number
  /** Resolves when the worker says that it is done. */
  ask(deed: 'reopen' | 'close'): Promise<void>
  stop(): Promise<void>
}

async function startWorker(accesslog: string): Promise<TestWorker> {
  const child: ChildProcess = fork(new URL('./access-log-worker.ts', import.meta.url), [accesslog])
  const exited = once(child, 'exit')
  const [port] = await once(child, 'message')
  return {
    port,
    async ask(deed) {
      child.send(deed)
      await once(child, 'message')
    },
    async stop() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
