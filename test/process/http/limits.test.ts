/** Clients that send too much, too slowly or too many at a time are refused or wait, and no other notices. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import { exchange, first, open, rest, statuses } from '../../support/http/raw.ts'
import { eventually, launch, type Tsicorn } from '../../support/tsicorn.ts'

/** Reads the body, but at /deaf, and says how long it was. */
const app = `
import { text } from 'node:stream/consumers'
export default async (req, res) => {
  if (req.url === '/deaf') return res.writeHead(403).end('no')
  const body = await text(req).catch(() => undefined)
  if (body === undefined) console.log('the body was cut')
  res.end('got ' + (body ?? '').length)
}`

function serve(...args: string[]): Tsicorn {
  return launch({ args: ['-b', '127.0.0.1:0', ...args, './app.mjs'], files: { 'app.mjs': app } })
}

const close = 'Host: test\r\nConnection: close\r\n'
const get = `GET / HTTP/1.1\r\n${close}\r\n`
const chunks = (...sizes: number[]) =>
  `${sizes.map(size => `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`).join('')}0\r\n\r\n`

describe('limit_request_body', () => {
  it('answers 413 for a longer body, whatever its framing, and the worker lives', async () => {
    const server = serve('--limit-request-body', '1000')
    const url = await server.running()
    const post = (fields: string, body: string) =>
      exchange(url, `POST / HTTP/1.1\r\n${close}${fields}\r\n\r\n${body}`)
    expect(await post('Content-Length: 1000', 'x'.repeat(1_000))).to.contain('got 1000')
    expect(await post('Transfer-Encoding: chunked', chunks(600, 400))).to.contain('got 1000')
    expect(statuses(await post('Content-Length: 1001', 'x'.repeat(1_001)))).to.deep.equal([413])
    expect(statuses(await post('Content-Length: 1001', ''))).to.deep.equal([413])
    expect(statuses(await post('Transfer-Encoding: chunked', chunks(600, 401)))).to.deep.equal([413])
    // One comes from the arbiter and the other from the worker itself.
    const words = [
      /Refused a request of 127\.0\.0\.1 with 413: the body is larger than limit_request_body/,
      /the body was cut/,
    ]
    await eventually('both are told', () => words.every(word => word.test(server.log)))
    expect(await exchange(url, get)).to.contain('got 0')
  })

  it('lets a client that goes on sending hear the answer', async () => {
    const server = serve('--limit-request-body', '1000')
    const socket = await open(await server.running())
    socket.write(`POST / HTTP/1.1\r\n${close}Content-Length: 60000\r\n\r\n`)
    for (let piece = 0; piece < 60; piece += 1) socket.write('x'.repeat(1_000))
    expect(statuses(await rest(socket))).to.deep.equal([413])
  })
})

describe('header_timeout', () => {
  for (const filters of [[], ['--worker-connections', '100'], ['--proxy-protocol', 'auto']])
    it(`answers 408 to a slow head and a silent client, and nobody else notices: ${filters.join(' ')}`, async () => {
      const server = serve('--header-timeout', '1', '--access-logfile', '-', ...filters)
      const url = await server.running()
      const slow = exchange(url, 'GET / HTTP/1.1\r\nHos')
      const silent = exchange(url)
      expect(await exchange(url, get)).to.contain('got 0')
      expect(statuses(await slow)).to.deep.equal([408])
      expect(statuses(await silent).filter(status => status !== 408)).to.deep.equal([])
      await server.says(/" 408 /)
    })

  it('is not for the body', async () => {
    const server = serve('--header-timeout', '1')
    const socket = await open(await server.running())
    socket.write(`POST / HTTP/1.1\r\n${close}Content-Length: 3\r\n\r\n`)
    for (const letter of 'abc') {
      await new Promise(resolve => setTimeout(resolve, 1_000))
      socket.write(letter)
    }
    expect(await rest(socket)).to.contain('got 3')
  })
})

describe('Expect: 100-continue', () => {
  const expecting = (path: string, fields = 'Host: test\r\n') =>
    `POST ${path} HTTP/1.1\r\n${fields}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n`

  const shapes = {
    'a function': app,
    'a server': `import { createServer } from 'node:http'
      ${app.replace('export default', 'const answer =')}
      export default createServer(answer)`,
    'a Fastify application': `import { text } from 'node:stream/consumers'
      import fastify from ${JSON.stringify(import.meta.resolve('fastify'))}
      const server = fastify()
      server.addContentTypeParser('*', async (request, body) => await text(body))
      server.all('/', async ({ body }) => 'got ' + (body ?? '').length)
      server.all('/deaf', { onRequest: async (request, reply) => reply.code(403).send('no') }, async () => 'no')
      export default server`,
  }
  for (const [shape, text] of Object.entries(shapes)) {
    const start = async () =>
      await launch({ args: ['-b', '127.0.0.1:0', './app.mjs'], files: { 'app.mjs': text } }).running()

    it(`is answered when ${shape} reads, and the connection stays`, async () => {
      const socket = await open(await start())
      socket.write(expecting('/'))
      expect(await first(socket)).to.equal('HTTP/1.1 100 Continue\r\n\r\n')
      socket.write('hello')
      expect(await first(socket)).to.contain('got 5')
      socket.write(get)
      expect(await rest(socket)).to.contain('got 0')
    })

    it(`is not answered where ${shape} does not read, and the connection ends`, async () => {
      const answer = await exchange(await start(), expecting('/deaf'))
      expect(statuses(answer)).to.deep.equal([403])
      expect(answer).to.match(/^connection: close\r$/im)
    })
  }
})

describe('worker_connections', () => {
  async function ask(socket: Socket): Promise<string> {
    socket.write('GET / HTTP/1.1\r\nHost: test\r\n\r\n')
    return await first(socket)
  }

  it('lets further connections wait, and drops none', async () => {
    const server = serve('--worker-connections', '2')
    const url = await server.running()
    const [one, two] = [await open(url), await open(url)]
    expect(await ask(one)).not.to.match(/connection: close/i)
    await ask(two)
    const three = await open(url)
    const third = ask(three)
    await server.says(/worker_connections \(2\) is reached/)
    // While somebody waits, an answer is the last one of its connection.
    expect(await ask(one)).to.match(/connection: close/i)
    expect(await third).to.contain('got 0')
    for (const socket of [one, two, three]) socket.destroy()
  })

  it('holds for an app that listens by itself', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '--worker-connections', '1', './app.mjs'],
      files: {
        'app.mjs': `import { createServer } from 'node:http'
          createServer((req, res) => res.end('got 0')).listen(process.env.PORT)`,
      },
    })
    const url = await server.running()
    const one = await open(url)
    await ask(one)
    const two = await open(url)
    const second = ask(two)
    await server.says(/worker_connections \(1\) is reached/)
    one.destroy()
    expect(await second).to.contain('got 0')
    two.destroy()
  })

  it('closes a connection that is idle for the sake of one that waits', async () => {
    const server = serve('--worker-connections', '1', '--keep-alive', '60')
    const url = await server.running()
    const idle = await open(url)
    await ask(idle)
    const closed = once(idle.resume(), 'end')
    const next = await open(url)
    expect(await ask(next)).to.contain('got 0')
    await closed
    for (const socket of [idle, next]) socket.destroy()
  })

  it('survives clients that leave while they wait', async () => {
    const server = serve('--worker-connections', '1')
    const url = await server.running()
    const [busy, cut, gone] = [await open(url), await open(url), await open(url)]
    busy.write('POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\n\r\n')
    await server.says(/worker_connections \(1\) is reached/)
    cut.resetAndDestroy()
    gone.destroy()
    busy.write('x')
    expect(await first(busy)).to.contain('got 1')
    busy.destroy()
    expect(await exchange(url, get)).to.contain('got 0')
    expect(server.log).not.to.match(/exited/)
  })

  it('holds nobody back who drains', async () => {
    const server = serve('--worker-connections', '1')
    const url = await server.running()
    const sockets = [await open(url), await open(url), await open(url)] as const
    const busy = sockets[0]
    busy.write('POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\n\r\n')
    const answers = sockets.slice(1).map(ask)
    await server.says(/worker_connections \(1\) is reached/)
    const ending = server.stop()
    expect((await Promise.all(answers)).filter(answer => !answer.includes('got 0'))).to.deep.equal([])
    busy.write('x')
    expect(await first(busy)).to.contain('got 1')
    expect((await ending).code).to.equal(0)
    await eventually('all are closed', () =>
      sockets.every(socket => socket.readableEnded || socket.destroyed),
    )
    for (const socket of sockets) socket.destroy()
  })
})

describe('a client that stops sending', () => {
  it('in the middle of a head or of a body gets 400, and no application takes that for the whole', async () => {
    const server = serve()
    const url = await server.running()
    const requests = [
      'GET / HTTP/1.1\r\nHost: te',
      `POST / HTTP/1.1\r\n${close}Content-Length: 10\r\n\r\nhalf`,
      `POST / HTTP/1.1\r\n${close}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`,
    ]
    for (const request of requests) {
      const socket = await open(url)
      socket.end(request)
      expect(statuses(await rest(socket))).to.deep.equal([400])
    }
    await server.says(/the body was cut[\s\S]*the body was cut/)
    expect(await exchange(url, get)).to.contain('got 0')
  })
})
