/** What a fetch handler gets as its Request, and how its Response is sent, cut short, or replaced by an error. */
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { coverRequest } from '../../../worker/fetch/early.ts'
import { type FetchHandler, fetchListener } from '../../../worker/fetch/listener.ts'
import { withErrorHandler } from '../../../worker/http/error-handler.ts'

describe('a fetch handler', () => {
  // In this order: what is covered once stays so.
  describe("that gets Node's own Requests", () => behaviour(false))
  describe('that gets light Requests', () => behaviour(true))
})

function behaviour(isLight: boolean): void {
  /** As a module has it that was loaded before any handler was served. */
  let KeptRequest: typeof Request
  const servers: Server[] = []

  before(() => {
    if (isLight) coverRequest()
    KeptRequest = globalThis.Request
  })
  const log: string[] = []

  async function serve(handler: FetchHandler): Promise<number> {
    const write = (level: string) => (message: string) => void log.push(`${level}: ${message}`)
    const guard = { log: { debug: write('debug'), error: write('error') }, idHeader: undefined }
    const server = createServer(withErrorHandler(fetchListener(handler, isLight), guard))
    servers.push(server)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return (server.address() as AddressInfo).port
  }

  /** Sends bytes as they are, and returns all that comes back until the server closes. */
  async function raw(port: number, head: string): Promise<string> {
    const socket = connect(port, '127.0.0.1')
    socket.end(head.replaceAll('\n', '\r\n'))
    return text(socket)
  }

  afterEach(() => {
    log.length = 0
    for (const server of servers.splice(0)) server.close().closeAllConnections()
  })

  it('gets method, URL, headers and body', async () => {
    const port = await serve(async request => {
      const { method, url, headers } = request
      return Response.json({ method, url, header: headers.get('x-test'), body: await request.text() })
    })
    const response = await fetch(`http://127.0.0.1:${port}/a?b=c`, {
      method: 'POST',
      headers: { 'x-test': 'yes' },
      body: 'the body',
    })
    expect(await response.json()).to.deep.equal({
      method: 'POST',
      url: `http://127.0.0.1:${port}/a?b=c`,
      header: 'yes',
      body: 'the body',
    })
  })

  it('gets a Request that can be copied and passed on', async () => {
    const port = await serve(request => new Response(new Request(request, { headers: { a: 'b' } }).url))
    expect(await (await fetch(`http://127.0.0.1:${port}/copy`)).text()).to.equal(
      `http://127.0.0.1:${port}/copy`,
    )
  })

  it('gets the body of any size while it is being sent', async () => {
    const port = await serve(async request => {
      let size = 0
      for await (const chunk of request.body!) size += chunk.byteLength
      return new Response(String(size))
    })
    const response = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'PUT',
      body: Buffer.alloc(5_000_000),
    })
    expect(await response.text()).to.equal('5000000')
  })

  it('holds a client back that sends faster than the body is read', async () => {
    const port = await serve(async (request, { incoming }) => {
      const paused = once(incoming, 'pause')
      const reader = request.body!.getReader()
      let size = (await reader.read()).value!.byteLength
      await paused
      for (let next = await reader.read(); !next.done; next = await reader.read())
        size += next.value.byteLength
      return new Response(String(size))
    })
    const response = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      body: Buffer.alloc(5_000_000),
    })
    expect(await response.text()).to.equal('5000000')
  })

  it('may leave the body unread without harm to the connection', async () => {
    const port = await serve(() => new Response('unread'))
    for (let i = 0; i < 3; i++) {
      const response = await fetch(`http://127.0.0.1:${port}/`, {
        method: 'POST',
        body: Buffer.alloc(300_000),
      })
      expect(await response.text()).to.equal('unread')
    }
  })

  it('may stop reading half way without harm to the connection', async () => {
    const port = await serve(async request => {
      await request.body!.getReader().read()
      return new Response('enough')
    })
    for (let i = 0; i < 3; i++) {
      const response = await fetch(`http://127.0.0.1:${port}/`, {
        method: 'POST',
        body: Buffer.alloc(300_000),
      })
      expect(await response.text()).to.equal('enough')
    }
  })

  it('may cancel the body without harm to the connection', async () => {
    const port = await serve(async request => {
      const reader = request.body!.getReader()
      await reader.read()
      await reader.cancel()
      return new Response('cancelled')
    })
    for (let i = 0; i < 3; i++) {
      const response = await fetch(`http://127.0.0.1:${port}/`, {
        method: 'POST',
        body: Buffer.alloc(300_000),
      })
      expect(await response.text()).to.equal('cancelled')
    }
  })

  it('sends a body that is in memory with its length', async () => {
    const port = await serve(() => new Response('grüße'))
    const response = await fetch(`http://127.0.0.1:${port}/`)
    expect(response.headers.get('content-length')).to.equal('7')
    expect(await response.text()).to.equal('grüße')
  })

  it('sends a stream chunk by chunk as it comes', async () => {
    let next: () => void = nothingYet
    const port = await serve(() => {
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(Buffer.from('first'))
          next = () => {
            controller.enqueue(Buffer.from('second'))
            controller.close()
          }
        },
      })
      return new Response(body)
    })
    const reader = (await fetch(`http://127.0.0.1:${port}/`)).body!.getReader()
    expect(Buffer.from((await reader.read()).value!).toString()).to.equal('first')
    next()
    expect(Buffer.from((await reader.read()).value!).toString()).to.equal('second')
    expect((await reader.read()).done).to.equal(true)
  })

  it('sends every Set-Cookie header by itself', async () => {
    const port = await serve(
      () =>
        new Response(null, {
          headers: [
            ['set-cookie', 'a=1'],
            ['set-cookie', 'b=2; Path=/'],
          ],
        }),
    )
    const response = await fetch(`http://127.0.0.1:${port}/`)
    expect(response.headers.getSetCookie()).to.deep.equal(['a=1', 'b=2; Path=/'])
  })

  it('sends status and reason, and no body where there is none', async () => {
    const port = await serve(() => new Response(null, { status: 204, statusText: 'Nothing here' }))
    const answer = await raw(port, 'GET / HTTP/1.1\nHost: a\nConnection: close\n\n')
    expect(answer).to.match(/^HTTP\/1\.1 204 Nothing here\r\n/)
    expect(answer).not.to.match(/content-length|transfer-encoding/i)
  })

  it('answers HEAD without a body and cancels its stream', async () => {
    let cancelled = false
    const body = new ReadableStream({
      cancel() {
        cancelled = true
      },
    })
    const port = await serve(() => new Response(body, { headers: { 'x-test': 'yes' } }))
    const answer = await raw(port, 'HEAD / HTTP/1.1\nHost: a\nConnection: close\n\n')
    expect(answer).to.match(/x-test: yes\r\n.*\r\n\r\n$/s)
    expect(cancelled).to.equal(true)
  })

  it('gets the scheme of the connection, and the host of the request', async () => {
    const port = await serve(({ url }) => new Response(url))
    const ask = async (target: string) =>
      (await raw(port, `GET ${target} HTTP/1.1\nHost: shop\nConnection: close\n\n`)).split('\r\n\r\n')[1]
    expect(await ask('/p?q')).to.equal('http://shop/p?q')
    expect(await ask('https://shop/p?q')).to.equal('http://shop/p?q')
    expect(await ask('http://shop')).to.equal('http://shop/')
  })

  it('that throws is answered with 500 and logged', async () => {
    const port = await serve(() => Promise.reject(new Error('broken')))
    const response = await fetch(`http://127.0.0.1:${port}/path`)
    expect([response.status, await response.text()]).to.deep.equal([500, 'Internal Server Error\n'])
    expect(log.join()).to.match(/^error: GET \/path failed: Error: broken\n/)
  })

  it('that returns no Response is answered with 500 and told so', async () => {
    const port = await serve((() => undefined) as unknown as FetchHandler)
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).to.equal(500)
    expect(log.join()).to.contain('The fetch handler returned undefined, not a Response')
  })

  it('whose stream fails half way has its connection cut', async () => {
    let fail: () => void = nothingYet
    const port = await serve(() => {
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(Buffer.from('half'))
          fail = () => controller.error(new Error('lost'))
        },
      })
      return new Response(body)
    })
    const reader = (await fetch(`http://127.0.0.1:${port}/`)).body!.getReader()
    await reader.read()
    fail()
    expect(await reader.read().catch((error: Error) => error)).to.be.an.instanceOf(Error)
    expect(log.join()).to.contain('Error: lost')
  })

  it('hears from its signal when the client leaves', async () => {
    const { promise: left, resolve } = Promise.withResolvers<void>()
    const arrived = Promise.withResolvers<void>()
    const port = await serve(async request => {
      request.signal.addEventListener('abort', () => resolve())
      arrived.resolve()
      await left
      return new Response('late')
    })
    const client = httpRequest({ port }).end()
    client.on('error', () => undefined)
    await arrived.promise
    client.destroy()
    await left
    expect(log.join()).not.to.contain('error')
  })

  it('gets an error from a body that it begins to read when the client has left', async () => {
    const { promise: failure, resolve } = Promise.withResolvers<unknown>()
    const arrived = Promise.withResolvers<void>()
    const port = await serve(async (request, { outgoing }) => {
      arrived.resolve()
      await once(outgoing, 'close')
      resolve(await request.text().catch((error: unknown) => error))
      return new Response('late')
    })
    const client = httpRequest({ port, method: 'POST', headers: { 'content-length': 10 } })
    client.on('error', () => undefined).write('half')
    await arrived.promise
    client.destroy()
    expect(await failure)
      .to.be.an.instanceOf(DOMException)
      .with.property('name', 'AbortError')
  })

  it('gets a Request that Node takes for one of its own, wherever it was kept', async () => {
    class Special extends KeptRequest {}
    const port = await serve(async request => {
      const special = new Special(request, { headers: { 'x-a': 'b' } })
      const body = await KeptRequest.prototype.text.call(request)
      return new Response(`${special.headers.get('x-a')} ${body} ${Reflect.get(request, 'url').slice(-2)}`)
    })
    const response = await fetch(`http://127.0.0.1:${port}/x`, { method: 'PUT' })
    expect(await response.text()).to.equal('b  /x')
  })

  it('has its stream cancelled when the client leaves', async () => {
    const { promise: cancelled, resolve } = Promise.withResolvers<void>()
    const body = () =>
      new ReadableStream({
        start: controller => controller.enqueue(Buffer.from('x')),
        cancel: () => resolve(),
      })
    const port = await serve(() => new Response(body()))
    const client = httpRequest({ port }).end()
    const [response]: IncomingMessage[] = await once(client, 'response')
    response!.on('error', () => undefined)
    client.destroy()
    await cancelled
  })

  it('is not shown a request whose Host could move its path', async () => {
    let called = false
    const port = await serve(() => {
      called = true
      return new Response()
    })
    expect(await raw(port, 'GET /a HTTP/1.1\nHost: b/c?d=\nConnection: close\n\n')).to.match(
      /^HTTP\/1\.1 400 /,
    )
    expect(called).to.equal(false)
  })

  it('finds the objects of Node beside the Request', async () => {
    const port = await serve((_request, { incoming }) => new Response(incoming.socket.remoteAddress))
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).to.equal('127.0.0.1')
  })
}

function nothingYet(): never {
  throw new Error('the handler has not been called yet')
}
