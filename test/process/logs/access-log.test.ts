/** The access log of a server: one line for each request, none lost or split by rotation or by an end. */
import { once } from 'node:events'
import { existsSync, readFileSync, renameSync } from 'node:fs'
import { connect } from 'node:net'
import { expect } from 'chai'
import { eventually, launch, launchApp, type Tsicorn } from '../../support/tsicorn.ts'

const answer = `export default (_req, res) => res.end('hello')\n`

/** Clients that ask for `/1`, `/2`, ... until they are told to stop. */
class Traffic {
  readonly answered: string[] = []
  readonly #clients: Promise<void>[]
  #next = 0
  #on = true

  constructor(url: string, clients: number) {
    this.#clients = Array.from({ length: clients }, async (_, client) => {
      // Half of them come with a new connection each time, so that both workers get some.
      const headers = client % 2 === 0 ? { connection: 'close' } : {}
      while (this.#on) {
        this.#next += 1
        const path = `/${this.#next}`
        const response = await fetch(url + path, { headers }).catch((error: Error) => {
          const { code } = error.cause as { readonly code?: string }
          // Of a client that was held up, a leaving worker closes the idle connection, and may do so just now.
          if (client % 2 === 0 || (code !== 'ECONNRESET' && code !== 'UND_ERR_SOCKET')) throw error
        })
        if (response === undefined) continue
        expect(await response.text()).to.equal('hello')
        this.answered.push(path)
      }
    })
  }

  async stop(): Promise<void> {
    this.#on = false
    await Promise.all(this.#clients)
  }
}

function linesOf(server: Tsicorn, name: string): string[] {
  const path = `${server.folder}/${name}`
  if (!existsSync(path)) return []
  const text = readFileSync(path, 'utf8')
  return text.split('\n').slice(0, -1)
}

function pidsIn(lines: readonly string[]): Set<number> {
  return new Set(lines.map(line => Number(/^<(\d+)>/.exec(line)?.[1])))
}

function launchLogged(args: readonly string[], app = answer): Tsicorn {
  return launch({
    args: ['-b', '127.0.0.1:0', '-w', '2', '--access-logfile', 'access.log', ...args, './app.mjs'],
    files: { 'app.mjs': app },
  })
}

async function get(url: string, headers: Record<string, string> = {}): Promise<string> {
  return await (await fetch(url, { headers: { connection: 'close', ...headers } })).text()
}

/** All that the server says to these bytes until it closes the connection. */
async function exchange(url: string, sends: string): Promise<string> {
  const client = connect(Number(new URL(url).port), '127.0.0.1')
  let answered = ''
  client.setEncoding('latin1').on('data', data => {
    answered += data
  })
  client.write(sends)
  await once(client, 'close')
  return answered
}

describe('the access log', () => {
  it('is off by default', async () => {
    const server = launchApp('hello.ts')
    await get(`${await server.running()}/nobody-logs-this`)
    await server.stop()
    expect(server.log).not.to.contain('nobody-logs-this')
  })

  it('has one line in the default format for each request, whichever worker answered', async () => {
    const server = launchLogged([])
    const url = await server.running()
    const paths = Array.from({ length: 40 }, (_, n) => `/page/${n}?n=${n}`)
    await Promise.all(paths.map(path => get(url + path, { 'user-agent': 'probe', referer: 'http://a/' })))
    await server.stop()
    const lines = linesOf(server, 'access.log')
    const form =
      /^127\.0\.0\.1 - - \[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET (\S+) HTTP\/1\.1" 200 5 "http:\/\/a\/" "probe"$/
    expect(lines.map(line => form.exec(line)?.[1])).to.have.members(paths)
  })

  it('goes to standard output where it is -, in a format of its own', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-w', '2', '--access-logfile', '-'].concat(
        ['--access-logformat', '%(m)s %(U)s %(q)s %(s)s %(B)s %({x-id}i)s %({content-type}o)s %%'],
        ['./app.mjs'],
      ),
      files: {
        'app.mjs': `export default (_req, res) => res.setHeader('Content-Type', 'text/plain').end('hello')\n`,
      },
    })
    const url = await server.running()
    const numbers = Array.from({ length: 10 }, (_, n) => String(n))
    await Promise.all(numbers.map(n => get(`${url}/a?n=${n}`, { 'x-id': n })))
    await server.stop()
    const lines = server.log.split('\n').filter(line => line.startsWith('GET'))
    expect(lines).to.have.members(numbers.map(n => `GET /a n=${n} 200 5 ${n} text/plain %`))
  })

  it('loses no line when TERM comes right after a response', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const server = launchLogged(['--access-logformat', '%(U)s %(s)s'])
      await get(`${await server.running()}/last`)
      await server.stop(signal)
      expect(linesOf(server, 'access.log'), signal).to.deep.equal(['/last 200'])
    }
  })

  it('has one line of a request that the app emits again', async () => {
    const server = launchLogged(
      ['--access-logformat', '%(r)s %(s)s %(B)s'],
      `import { createServer } from 'node:http'
      const server = createServer((req, res) => req.resume().on('end', () => res.end('hello')))
      server.on('checkContinue', (req, res) => {
        res.writeContinue()
        server.emit('request', req, res)
      })
      export default server\n`,
    )
    const said = await exchange(
      await server.running(),
      'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok',
    )
    expect(said).to.match(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n.*hello$/s)
    await server.stop()
    expect(linesOf(server, 'access.log')).to.deep.equal(['POST / HTTP/1.1 200 5'])
  })

  it('loses no line when the app ends its process', async () => {
    const server = launch({
      args: [
        '-b',
        '127.0.0.1:0',
        '--access-logfile',
        'access.log',
        '--access-logformat',
        '%(U)s %(s)s',
      ].concat('./app.mjs'),
      files: {
        'app.mjs': `export default (req, res) => req.url === '/end' ? process.exit(1) : res.end('hello')\n`,
      },
      errors: true,
    })
    const url = await server.running()
    await get(`${url}/before`)
    await get(`${url}/end`).catch(() => undefined)
    await server.says(/Worker 1 .* exited with code 1/)
    expect(linesOf(server, 'access.log')).to.deep.equal(['/before 200', '/end 499'])
  })

  for (const signal of ['SIGUSR1', 'SIGHUP'] as const) {
    it(`loses, splits and repeats no line when it is renamed and reopened by ${signal} under load`, async () => {
      const server = launchLogged(['--access-logformat', '%(p)s %(U)s %(s)s end'])
      const url = await server.running()
      const traffic = new Traffic(url, 6)
      await eventually('both workers log', () => pidsIn(linesOf(server, 'access.log')).size === 2)
      const before = server.workers
      renameSync(`${server.folder}/access.log`, `${server.folder}/access.log.1`)
      if (signal === 'SIGHUP') await server.reload()
      else server.signal(signal)
      await eventually('both workers use the new file', () => {
        const pids = pidsIn(linesOf(server, 'access.log'))
        return server.workers.length === 2 && server.workers.every(pid => pids.has(pid))
      })
      if (signal === 'SIGUSR1') expect(server.workers).to.have.members(before)
      await traffic.stop()
      await server.stop()
      const lines = ['access.log.1', 'access.log'].flatMap(name => linesOf(server, name))
      const logged = lines.map(line => /^<\d+> (\/\d+) 200 end$/.exec(line)?.[1])
      expect(logged).to.have.members(traffic.answered)
    })
  }
})

describe('the access log shows what never reached the app:', () => {
  const refused: readonly (readonly [what: string, sends: string, line: string])[] = [
    ['what is not HTTP', 'nonsense\r\n\r\n', '127.0.0.1 "-" 400 12'],
    [
      'headers that are too large',
      `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
      '127.0.0.1 "GET / HTTP/1.1" 431 32',
    ],
    [
      'a request without Host',
      'GET /a HTTP/1.1\r\nConnection: close\r\n\r\n',
      '127.0.0.1 "GET /a HTTP/1.1" 400 12',
    ],
  ]
  for (const [what, sends, line] of refused) {
    it(what, async () => {
      const server = launchLogged(['--access-logformat', '%(h)s "%(r)s" %(s)s %(b)s'])
      const answered = await exchange(await server.running(), sends)
      expect(answered).to.match(/^HTTP\/1\.1 4\d\d .*\r\n(?:.*\r\n)*Connection: close\r\n/i)
      await server.stop()
      expect(linesOf(server, 'access.log')).to.deep.equal([line])
    })
  }

  it('headers that come too late, also on a server of the app', async () => {
    const server = launchLogged(
      ['--access-logformat', '%(h)s "%(r)s" %(s)s %(b)s'],
      `import { createServer } from 'node:http'
       const limits = { headersTimeout: 50, requestTimeout: 50, connectionsCheckingInterval: 20 }
       createServer(limits, (_req, res) => res.end('hello')).listen(process.env.PORT)`,
    )
    const answered = await exchange(await server.running(), 'GET / HTTP/1.1\r\n')
    expect(answered).to.match(/^HTTP\/1\.1 408 Request Timeout\r\nConnection: close\r\n/)
    await server.stop()
    expect(linesOf(server, 'access.log')).to.deep.equal(['127.0.0.1 "-" 408 16'])
  })
})
