/** The access log as JSON or by a function of the user: one record for each request, with its outcome. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { expect } from 'chai'
import type { AccessEntry } from '../../../hooks/access-entry.ts'
import { fresh } from '../../support/requests.ts'
import { launch, type Tsicorn } from '../../support/tsicorn.ts'

const app = `export default (req, res) => {
  if (req.url === '/never') return
  if (req.url === '/part') return void res.write('part')
  res.end('hello')
}\n`

function launchJson(...args: readonly string[]): Tsicorn {
  return launch({
    args: [
      '-b',
      '127.0.0.1:0',
      '--access-logfile',
      'access.log',
      '--access-logformat',
      'json',
      ...args,
    ].concat('./app.mjs'),
    files: { 'app.mjs': app },
  })
}

function linesOf(server: Tsicorn): string[] {
  return readFileSync(`${server.folder}/access.log`, 'utf8').split('\n').slice(0, -1)
}

function recordsOf(server: Tsicorn): Partial<AccessEntry>[] {
  return linesOf(server).map(line => JSON.parse(line) as Partial<AccessEntry>)
}

/** Sends these bytes, and leaves when something was answered, or at once where nothing is expected. */
async function visit(
  url: string,
  sends: string,
  leaves: 'at once' | 'when answered' | 'last',
): Promise<void> {
  const client = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => undefined)
  const closed = once(client, 'close')
  client.write(sends)
  if (leaves === 'at once') client.end()
  client.on('data', () => leaves === 'when answered' && client.destroy())
  await closed
}

describe('an access log in JSON', () => {
  it('has one object for each request', async () => {
    const server = launchJson()
    const url = await server.running()
    const [pid] = server.workers
    const authorization = `Basic ${Buffer.from('ada:secret').toString('base64')}`
    const headers = { connection: 'close', 'user-agent': 'probe "1"\\', referer: 'http://a/', authorization }
    await (await fetch(`${url}/a%20b?c=d`, { headers })).text()
    await server.stop()
    const [{ time, duration, ...rest } = {}, ...more] = recordsOf(server)
    expect(more).to.deep.equal([])
    expect(time).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    expect(duration).to.be.a('number').within(0, 60)
    expect(rest).to.deep.equal({
      pid,
      remote_address: '127.0.0.1',
      user: 'ada',
      method: 'GET',
      url: '/a%20b?c=d',
      protocol: 'HTTP/1.1',
      status: 200,
      outcome: 'ok',
      bytes: 5,
      referer: 'http://a/',
      user_agent: 'probe "1"\\',
    })
  })

  const outcomes: readonly (readonly [string, string, Parameters<typeof visit>[2], number, string])[] = [
    ['a client that left before it was answered', get('/never'), 'at once', 499, 'aborted'],
    ['a client that left in the middle', get('/part'), 'when answered', 200, 'aborted'],
    ['what is not HTTP', 'nonsense\r\n\r\n', 'last', 400, 'refused'],
    ['a request without Host', 'GET / HTTP/1.1\r\n\r\n', 'last', 400, 'refused'],
    [
      'headers that are too large',
      `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
      'last',
      431,
      'refused',
    ],
  ]
  for (const [what, sends, leaves, status, outcome] of outcomes) {
    it(`says the outcome of ${what}: ${outcome}`, async () => {
      const server = launchJson()
      await visit(await server.running(), sends, leaves)
      await server.stop()
      expect(recordsOf(server)).to.have.length(1)
      expect(recordsOf(server)[0]).to.include({ status, outcome })
    })
  }

  it('says that headers came too late', async () => {
    const server = launch({
      args: [
        '-b',
        '127.0.0.1:0',
        '--access-logfile',
        'access.log',
        '--access-logformat',
        'json',
        './app.mjs',
      ],
      files: {
        'app.mjs': `import { createServer } from 'node:http'
          const limits = { headersTimeout: 50, requestTimeout: 50, connectionsCheckingInterval: 20 }
          export default createServer(limits, (_req, res) => res.end('hello'))`,
      },
    })
    await visit(await server.running(), 'GET / HTTP/1.1\r\n', 'last')
    await server.stop()
    expect(recordsOf(server)).to.have.length(1)
    expect(recordsOf(server)[0]).to.include({
      status: 408,
      outcome: 'timed out',
      remote_address: '127.0.0.1',
    })
  })

  it('says that a request was not answered in time', async () => {
    const server = launchJson('--request-timeout', '0.05')
    const response = await fetch(`${await server.running()}/never`)
    expect(response.status).to.equal(503)
    await server.stop()
    expect(recordsOf(server)).to.have.length(1)
    expect(recordsOf(server)[0]).to.include({ status: 503, outcome: 'timed out', url: '/never' })
  })
})

describe('an access log whose format is a function', () => {
  const config = (body: string, file = 'tsicorn.config.ts') => ({
    'app.mjs': `export default (_req, res) => res.writeHead(200, { 'X-Reply': 'yes' }).end('hello')`,
    [file]: `import { defineConfig } from 'tsicorn'
      export default defineConfig({
        app: './app.mjs', bind: '127.0.0.1:0', workers: 2, accesslog: 'access.log',
        access_log_format: entry => { ${body} },
      })`,
  })

  it('writes what it returns, one line for each request', async () => {
    const body = `return [entry.method, entry.url, entry.status, entry.outcome, entry.request_headers['x-a'],
      entry.response_header('X-Reply'), 'two\\nlines'].join(' ')`
    const server = launch({ files: config(body) })
    await (
      await fetch(`${await server.running()}/one`, { headers: { connection: 'close', 'x-a': 'b' } })
    ).text()
    await server.stop()
    expect(linesOf(server)).to.deep.equal(['GET /one 200 ok b yes two\\nlines'])
  })

  it('says once what it throws, and writes JSON instead', async () => {
    const server = launch({
      files: config(`throw new Error('no line from me')`),
      args: ['-w', '1'],
      errors: true,
    })
    const url = await server.running()
    await fresh(`${url}/1`)
    await fresh(`${url}/2`)
    await server.stop()
    expect(
      server.log.match(/access_log_format failed, its lines are JSON: Error: no line from me\n/g),
    ).to.have.length(1)
    expect(recordsOf(server).map(record => record.url)).to.deep.equal(['/1', '/2'])
  })

  it('gives way to the format of a flag', async () => {
    const server = launch({ files: config(`return 'mine'`), args: ['--access-logformat', '%(U)s'] })
    await fresh(`${await server.running()}/flag`)
    await server.stop()
    expect(linesOf(server)).to.deep.equal(['/flag'])
  })

  for (const json of [[], ['--json']]) {
    it(`is shown by --print-config ${json}`, async () => {
      const server = launch({ files: config(`return 'mine'`), args: ['--print-config', ...json] })
      expect((await server.ended).code).to.equal(0)
      expect(server.log).to.match(/access_log_format\W.*\(function\)|"value": "\(function\)"/)
    })
  }
})

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
}
