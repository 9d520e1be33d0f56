/** Requests that Node's parser rejects are answered as Node answers them, and have a line in the access log. */
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type AccessLog, openAccessLog } from '../../../worker/access-log/access-log.ts'
import { handleClientErrors } from '../../../worker/server/client-errors.ts'
import { track } from '../access-log/logged.ts'

const answer: RequestListener = (_req, res) => void res.end('answer')
const stall: RequestListener = () => undefined
const begin: RequestListener = (_req, res) => void res.write('part')

const head = (line: string, ...fields: string[]) => `${[line, ...fields, '', ''].join('\r\n')}`
const chunked = head('POST /chunked HTTP/1.1', 'Host: x', 'Transfer-Encoding: chunked')

interface RejectedRequest {
  readonly what: string
  readonly sends: string
  /** What it sends once something was answered. */
  readonly after?: string
  readonly app?: RequestListener
  readonly options?: ServerOptions
  readonly logs: readonly string[]
}

const rejections: readonly RejectedRequest[] = [
  { what: 'what is not HTTP', sends: 'nonsense\r\n\r\n', logs: ['- 400 12'] },
  {
    what: 'headers that are too large',
    sends: head('GET / HTTP/1.1', `X: ${'x'.repeat(20_000)}`),
    logs: ['- 431 32'],
  },
  {
    what: 'headers that come too late',
    sends: 'GET / HTTP/1.1\r\n',
    options: { headersTimeout: 500, requestTimeout: 500, connectionsCheckingInterval: 20 },
    logs: ['- 408 16'],
  },
  {
    what: 'a body that comes too late',
    sends: head('POST /late HTTP/1.1', 'Host: x', 'Content-Length: 5'),
    app: stall,
    options: { headersTimeout: 500, requestTimeout: 500, connectionsCheckingInterval: 20 },
    logs: ['POST /late HTTP/1.1 408 16'],
  },
  {
    what: 'extensions of a chunk that are too large',
    sends: `${chunked}5;${'x'.repeat(20_000)}\r\n`,
    app: stall,
    logs: ['POST /chunked HTTP/1.1 413 18'],
  },
  {
    what: 'a body that is malformed',
    sends: `${chunked}nonsense\r\n`,
    app: stall,
    logs: ['POST /chunked HTTP/1.1 400 12'],
  },
  {
    what: 'a body that is malformed after its response has begun',
    sends: chunked,
    after: 'nonsense\r\n',
    app: begin,
    logs: ['POST /chunked HTTP/1.1 200 4'],
  },
  {
    what: 'a malformed request behind one that was answered',
    sends: `${head('GET /good HTTP/1.1', 'Host: x')}nonsense\r\n\r\n`,
    app: answer,
    logs: ['GET /good HTTP/1.1 200 6', '- 400 12'],
  },
  {
    what: 'nothing when an old client sends no Host',
    sends: head('GET /old HTTP/1.0'),
    logs: ['GET /old HTTP/1.0 200 6'],
  },
]

describe('a server that logs rejections', () => {
  let folder: string
  let accesslog: string
  let log: AccessLog
  const servers: Server[] = []

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tsicorn-client-errors-'))
    accesslog = join(folder, 'access.log')
    log = await openAccessLog({ accesslog, access_log_format: '%(r)s %(s)s %(b)s', onError: console.error })
  })
  afterEach(async () => {
    for (const server of servers.splice(0)) server.close()
    await log.close()
    await rm(folder, { recursive: true })
  })

  async function portOf(server: Server): Promise<number> {
    servers.push(server)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return (server.address() as AddressInfo).port
  }

  function logging(app: RequestListener, options: ServerOptions = {}): Server {
    const server = createServer(options, (req, res) => {
      track(log, req, res)
      app(req, res)
    })
    handleClientErrors(server, {
      accessLog: log,
      log: { warning: () => undefined },
      requestIds: undefined,
      onRejected: (socket, { status }, response) => log.rejected(socket, status, response),
    })
    return server
  }

  async function lines(): Promise<string[]> {
    await log.close()
    return (await readFile(accesslog, 'utf8')).split('\n').slice(0, -1)
  }

  for (const { what, sends, after, app = answer, options = {}, logs } of rejections) {
    it(`answers as Node does and logs ${what}`, async () => {
      const expected = await exchange(await portOf(createServer(options, app)), sends, after)
      const answered = await exchange(await portOf(logging(app, options)), sends, after)
      expect(statusesIn(answered).slice(0, 1)).to.deep.equal(statusesIn(expected).slice(0, 1))
      expect(await lines()).to.deep.equal(logs)
    })
  }

  it('logs nothing of a client that broke its connection', async () => {
    const server = logging(answer)
    const client = connect(await portOf(server), '127.0.0.1')
    const [socket] = (await once(server, 'connection')) as [Socket]
    const closed = new Promise(resolve => socket.once('close', resolve))
    // What Node does when the kernel reports it.
    socket.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))
    await closed
    client.destroy()
    expect(await lines()).to.deep.equal([])
  })

  it('leaves the answer to an app that listens to clientError itself', async () => {
    const server = logging(answer).on('clientError', (_error, socket) => socket.end('own words'))
    expect(await exchange(await portOf(server), 'nonsense\r\n\r\n')).to.equal('own words')
    expect(await lines()).to.deep.equal(['- 400 12'])
  })
})

/** All that a server says to these bytes until it closes the connection. */
async function exchange(port: number, sends: string, after?: string): Promise<string> {
  const client = connect(port, '127.0.0.1')
  let answer = ''
  client.setEncoding('latin1').on('data', data => {
    answer += data
  })
  client.on('error', () => undefined)
  client.write(sends)
  if (after !== undefined) client.once('data', () => client.write(after))
  await once(client, 'close')
  return answer
}

function statusesIn(answer: string): string[] {
  return answer.match(/^HTTP\/1\.1 \d+/gm) ?? []
}
