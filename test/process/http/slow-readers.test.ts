/** Clients that do not read are cut before they cost too much memory, and slow ones get their whole answer. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:tls'
import { expect } from 'chai'
import { Authority, hasOpenssl } from '../../support/certificates.ts'
import {
  acknowledged,
  frame,
  get as getFrame,
  preface,
  setting,
  types,
  u32,
  whole,
} from '../../support/http/frames.ts'
import { exchange, open } from '../../support/http/raw.ts'
import { launch, type Tsicorn } from '../../support/tsicorn.ts'

/** More than the kernel keeps for a client. */
const app = `
const piece = Buffer.alloc(40_000_000)
export default async (req, res) => {
  if (req.url === '/pieces') {
    for (let n = 0; n < 40; n += 1) {
      res.write(piece.subarray(0, 1_000_000))
      await new Promise(setImmediate)
    }
  } else if (req.url === '/quiet') {
    res.write('beginning')
    return void setTimeout(() => res.end('end'), 3_000)
  }
  res.end(req.url === '/small' ? 'small' : piece)
}`

function serve(args: readonly string[], files: Readonly<Record<string, string>> = {}): Tsicorn {
  return launch({
    args: ['-b', '127.0.0.1:0', '--access-logfile', '-', '--access-logformat', 'json', ...args, './app.mjs'],
    files: { 'app.mjs': app, ...files },
  })
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n`
const over2 = (window: number) =>
  Buffer.concat([
    preface,
    frame(types.settings, 0, 0, setting(4, window)),
    frame(types.settings, acknowledged, 0),
    frame(types.headers, whole, 1, getFrame),
  ])
const cleartext = ['--http2-cleartext', 'prior-knowledge']
const cut = /Cut the connection of 127\.0\.0\.1: the client does not read its answer \(write_timeout, 1 s\)/
const limited = /Cut the connection of 127\.0\.0\.1: more than limit_response_buffer waits/
const stalled = /"outcome":"stalled"/

/** Sends these bytes, and reads nothing. */
async function deaf(url: string, bytes: string | Uint8Array): Promise<Socket> {
  const socket = await open(url)
  socket.pause().write(bytes)
  return socket
}

describe('a client that does not read', function () {
  this.timeout(240_000)
  const sends: Readonly<Record<string, readonly [string | Uint8Array, ...string[]]>> = {
    'an answer of HTTP/1.1': [get('/')],
    'an answer of HTTP/2': [over2(2 ** 31 - 1), ...cleartext],
    'an answer of HTTP/2 for which it leaves no window': [over2(0), ...cleartext],
  }
  for (const [what, [bytes, ...args]] of Object.entries(sends)) {
    it(`${what} is cut after write_timeout, and the log says so`, async () => {
      const server = serve(['--write-timeout', '1', ...args])
      const url = await server.running()
      const socket = await deaf(url, bytes)
      await server.says(cut)
      await server.says(stalled)
      socket.destroy()
      expect(await exchange(url, get('/small'))).to.contain('small')
    })
  }

  it('is cut over TLS, too', async function () {
    if (!hasOpenssl) return this.skip()
    const authority = new Authority()
    const { cert, key } = authority.sign('server')
    authority.remove()
    const server = serve(['--write-timeout', '1', '--certfile', 'both.pem', '--http-protocols', 'h2,h1'], {
      'both.pem': cert + key,
    })
    const { port } = new URL(await server.running())
    for (const [protocol, bytes] of [
      ['http/1.1', get('/')],
      ['h2', over2(2 ** 31 - 1)],
    ] as const) {
      const socket = connect({ port: Number(port), rejectUnauthorized: false, ALPNProtocols: [protocol] })
      socket.on('error', () => undefined)
      await once(socket, 'secureConnect')
      socket.pause().write(bytes)
      await server.says(cut)
      await server.says(stalled)
      socket.destroy()
    }
  })

  it('of an app that ignores it is cut at limit_response_buffer', async () => {
    const server = serve(['--write-timeout', '0', '--limit-response-buffer', '1000000'])
    const url = await server.running()
    const one = await deaf(url, get('/pieces'))
    await server.says(limited)
    await server.says(stalled)
    // The answers to pipelined requests wait, too.
    const many = await deaf(url, `GET / HTTP/1.1\r\nHost: test\r\n\r\n`.repeat(5))
    await server.says(limited)
    for (const socket of [one, many]) socket.destroy()
  })

  it('and sends no window, but pings, is cut at limit_response_buffer', async () => {
    const server = serve(['--limit-response-buffer', '1000000', ...cleartext])
    const url = await server.running()
    const requests = [3, 5].map(id => frame(types.headers, whole, id, getFrame))
    const socket = await deaf(url, Buffer.concat([over2(0), ...requests]))
    const timer = setInterval(() => socket.write(frame(types.ping, 0, 0, Buffer.alloc(8))), 10)
    await server.says(limited)
    clearInterval(timer)
    socket.destroy()
  })
})

describe('a client that reads', function () {
  this.timeout(240_000)
  const limits = ['--write-timeout', '1', '--limit-response-buffer', '100000']

  it('gets an answer in one piece whole, however large it is', async () => {
    const url = await serve(limits).running()
    expect(await exchange(url, get('/'))).to.have.length.above(40_000_000)
  })

  it('may do so slowly', async () => {
    const server = serve(limits)
    const socket = await deaf(await server.running(), get('/'))
    let read = 0
    const timer = setInterval(() => {
      read += (socket.read() as Buffer | null)?.length ?? 0
    }, 5)
    await Promise.race([once(socket, 'end'), once(socket, 'close')])
    clearInterval(timer)
    expect(read).to.be.above(40_000_000)
    socket.destroy()
  })

  it('may wait for an answer that the app has not finished', async () => {
    const url = await serve(limits).running()
    expect(await exchange(url, get('/quiet'))).to.match(/beginning[\s\S]*end/)
  })

  it('of HTTP/2 gets its window in small pieces', async () => {
    const server = serve([...limits, ...cleartext])
    const socket = await open(await server.running())
    socket.write(over2(65_535))
    let read = 0
    for (;;) {
      const [chunk] = (await once(socket, 'data')) as [Buffer]
      read += chunk.length
      if (read > 5_000_000) break
      for (const stream of [0, 1]) socket.write(frame(types.window, 0, stream, u32(chunk.length)))
    }
    expect(server.log).not.to.match(/Cut/)
    socket.destroy()
  })
})
