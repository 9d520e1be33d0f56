/** Streams of HTTP/2 that are reset in one piece with their requests, which end no worker with apps of any shape. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:tls'
import { expect } from 'chai'
import { Authority, hasOpenssl } from '../../support/certificates.ts'
import {
  acknowledged,
  endHeaders,
  frame,
  framesOf,
  get,
  indexed,
  literal,
  post,
  preface,
  setting,
  types,
  u32,
  whole,
  with_,
} from '../../support/http/frames.ts'
import { open } from '../../support/http/raw.ts'
import { launch } from '../../support/tsicorn.ts'

const { data, headers, reset, settings, ping, goaway, window } = types

/** What an application does when its client may be gone, in a callback that nobody guards. */
const answer = `
const answer = (req, res) => {
  if (req.url === '/paused') req.once('data', () => req.pause())
  setTimeout(() => {
    console.log('answers ' + req.url)
    res.writeEarlyHints({ link: '</a.css>; rel=preload' })
    res.writeContinue()
    res.createPushResponse({ ':path': '/pushed' }, (error, pushed) => error ?? pushed.end('pushed'))
    if (req.url === '/never') return
    res.setHeader('x-a', 'b')
    res.end('answer')
  }, 20)
}`
const apps: Readonly<Record<string, string>> = {
  'a listener': `${answer}\nexport default answer`,
  'a server': `import { createServer } from 'node:http2'${answer}\nexport default createServer(answer)`,
  'a server with streams': `
import { createServer } from 'node:http2'
const server = createServer()
server.on('stream', stream => {
  stream.respond({ ':status': 200 })
  stream.end('answer')
})
export default server`,
}

/** Reads on only when the client is gone: the next piece of the answer is written to a connection that was reset. */
const answersInTheMiddle = `
import { existsSync } from 'node:fs'
export default (req, res) => {
  let pieces = 0
  req.on('data', () => {
    pieces += 1
    if (pieces !== 2) return
    console.log('has a second piece')
    while (!existsSync('reset')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
  })
  res.on('close', () => console.log('is over'))
  for (let n = 0; n < 64; n += 1) res.write(Buffer.alloc(16_384))
}`

/** Writes a lot at once, and whatever it gets. */
const echoes = `
export default (req, res) => {
  for (let n = 0; n < 32; n += 1) res.write(Buffer.alloc(65_536))
  req.on('data', part => res.write(part)).on('end', () => res.end())
}`

const expecting = frame(headers, endHeaders, 1, Buffer.concat([post, literal('expect', '100-continue')]))
const path = (text: string) =>
  Buffer.concat([
    Buffer.of(indexed.post, indexed.http),
    literal(':path', text),
    literal(':authority', 'test'),
  ])
const bad = frame(ping, 0, 0, Buffer.alloc(6))
const request = frame(headers, whole, 1, get)

const pieces: Readonly<Record<string, readonly Buffer[]>> = {
  'expects 100 and resets': [expecting, frame(reset, 0, 1, u32(8))],
  'expects 100 and resets without an error': [expecting, frame(reset, 0, 1, u32(0))],
  'expects 100 before a malformed frame': [expecting, bad],
  'expects 100 before a window that grows by nothing': [expecting, frame(window, 0, 1, u32(0))],
  'expects 100 and goes away with an error': [
    expecting,
    frame(goaway, 0, 0, Buffer.concat([u32(0), u32(2)])),
  ],
  // Node 22 would abort.
  'goes away with an error and goes on': [
    frame(goaway, 0, 0, Buffer.concat([u32(0), u32(2)])),
    frame(headers, endHeaders, 1, post),
    frame(data, 0, 1, Buffer.alloc(10)),
  ],
  'is malformed, and goes on with a body': [
    frame(headers, whole, 1, with_(literal('Upper', 'x'))),
    frame(headers, endHeaders, 3, post),
    frame(data, 0, 3, Buffer.alloc(10)),
    frame(data, 0, 3, Buffer.alloc(10)),
  ],
  'sends a body without a request, and goes on with one': [
    request,
    frame(reset, 0, 1, u32(8)),
    frame(data, 0, 1, Buffer.alloc(10)),
    frame(headers, endHeaders, 3, post),
    frame(data, 0, 3, Buffer.alloc(10)),
  ],
  'sends trailers that are none, and goes on': [
    frame(headers, endHeaders, 1, post),
    frame(headers, whole, 1, with_(literal('Upper', 'x'))),
    frame(headers, endHeaders, 3, post),
    frame(data, 0, 3, Buffer.alloc(10)),
  ],
  'goes away without an error, with one, and goes on': [
    frame(goaway, 0, 0, Buffer.concat([u32(0), u32(0)])),
    frame(goaway, 0, 0, Buffer.concat([u32(0), u32(2)])),
    frame(headers, endHeaders, 1, post),
    frame(data, 0, 1, Buffer.alloc(10)),
  ],
  'has an unsupported expectation and resets': [
    frame(headers, endHeaders, 1, with_(literal('expect', 'x'))),
    frame(reset, 0, 1, u32(8)),
  ],
  'asks and resets with an error': [request, frame(reset, 0, 1, u32(1))],
  'asks and resets before the answer': [
    request,
    frame(ping, 0, 0, Buffer.alloc(8)),
    frame(reset, 0, 1, u32(8)),
  ],
  'wants CONNECT and resets': [
    frame(
      headers,
      endHeaders,
      1,
      Buffer.concat([literal(':method', 'CONNECT'), literal(':authority', 'test:1')]),
    ),
    frame(reset, 0, 1, u32(8)),
  ],
  'wants nothing pushed': [frame(settings, 0, 0, setting(2, 0)), request],
  'resets without an error while its body waits': [
    frame(headers, endHeaders, 1, path('/paused')),
    frame(data, 0, 1, Buffer.alloc(1_000)),
    frame(data, 0, 1, Buffer.alloc(1_000)),
    frame(reset, 0, 1, u32(0)),
  ],
  'resets what is never answered': [
    frame(headers, endHeaders, 1, path('/never')),
    frame(data, 0, 1, Buffer.alloc(10)),
    frame(reset, 0, 1, u32(0)),
  ],
}

/** All of it at once, so that the server has parsed the end before anybody has heard of the beginning. */
function inOnePiece(...frames: readonly Buffer[]): Buffer {
  return Buffer.concat([preface, frame(settings, 0, 0), frame(settings, acknowledged, 0), ...frames])
}

function launchOverTls(app: string, ...args: readonly string[]) {
  const authority = new Authority()
  const { cert, key } = authority.sign('server')
  authority.remove()
  return launch({
    args: ['-b', '127.0.0.1:0', '--certfile', 'both.pem', '--http-protocols', 'h2', ...args, './app.mjs'],
    files: { 'app.mjs': app, 'both.pem': cert + key },
  })
}

describe('a client of HTTP/2 that resets', function () {
  this.timeout(240_000)

  async function playAll(connectTo: () => Promise<Socket>): Promise<void> {
    for (const frames of Object.values(pieces)) {
      const socket = await connectTo()
      socket.resume().write(inOnePiece(...frames))
      // As long as it takes the server to answer, to hang up, or neither.
      await Promise.race([once(socket, 'close'), new Promise(resolve => setTimeout(resolve, 100))])
      socket.destroy()
    }
    const socket = await connectTo()
    socket.write(inOnePiece(request))
    await once(socket, 'data')
    socket.destroy()
  }

  for (const [shape, text] of Object.entries(apps)) {
    it(`ends no worker with ${shape}`, async () => {
      const server = launch({
        args: [
          '-b',
          '127.0.0.1:0',
          '--http2-cleartext',
          'prior-knowledge',
          '--request-timeout',
          '1',
          './app.mjs',
        ],
        files: { 'app.mjs': text },
      })
      const url = await server.running()
      await playAll(() => open(url))
      expect(server.log).not.to.match(/exited/)
    })
  }

  it('ends none over TLS', async function () {
    if (!hasOpenssl) return this.skip()
    const server = launchOverTls(apps['a listener'] as string)
    const { port } = new URL(await server.running())
    await playAll(async () => {
      const socket = connect({ port: Number(port), rejectUnauthorized: false, ALPNProtocols: ['h2'] })
      socket.on('error', () => undefined)
      await once(socket, 'secureConnect')
      return socket
    })
    expect(server.log).not.to.match(/exited/)
  })

  it('ends none over TLS in the middle of a body and its answer', async function () {
    if (!hasOpenssl) return this.skip()
    const server = launchOverTls(answersInTheMiddle)
    const { port } = new URL(await server.running())
    const socket = await open(`http://127.0.0.1:${port}`)
    const secure = connect({ socket, rejectUnauthorized: false, ALPNProtocols: ['h2'] })
    secure.on('error', () => undefined).pause()
    await once(secure, 'secureConnect')
    const pieces = Array.from({ length: 60 }, () => frame(data, 0, 1, Buffer.alloc(1_000)))
    // Windows as wide as they can be: the answer must not wait for the client.
    const wide = [frame(settings, 0, 0, setting(4, 2 ** 31 - 1)), frame(window, 0, 0, u32(2 ** 30))]
    secure.write(inOnePiece(...wide, frame(headers, endHeaders, 1, post), ...pieces))
    await server.says(/has a second piece/)
    socket.resetAndDestroy()
    await once(socket, 'close')
    server.write('reset', '')
    // Node 22 would abort.
    await server.says(/is over|was ended by/)
    expect(server.log).not.to.match(/exited|was ended by/)
  })

  it('ends none over TLS while its body is echoed', async function () {
    if (!hasOpenssl) return this.skip()
    const server = launchOverTls(echoes)
    const url = await server.running()
    const wide = [frame(settings, 0, 0, setting(4, 2 ** 31 - 1)), frame(window, 0, 0, u32(2 ** 30))]
    const pieces = Array.from({ length: 60 }, () => frame(data, 0, 1, Buffer.alloc(500)))
    const resetSoon = async (ms: number) => {
      const socket = await open(url)
      const secure = connect({ socket, rejectUnauthorized: false, ALPNProtocols: ['h2'] })
      secure.on('error', () => undefined).pause()
      await once(secure, 'secureConnect')
      secure.write(inOnePiece(...wide, frame(headers, endHeaders, 1, post), ...pieces))
      // At which moment, chance decides: Node 22 would crash within a few dozen of them.
      await new Promise(resolve => setTimeout(resolve, ms))
      socket.resetAndDestroy()
    }
    for (let count = 0; count < 40; count += 1)
      await Promise.all([1, 2, 3, 4].map(ms => resetSoon(ms + (count % 4) / 4)))
    const last = connect({ socket: await open(url), rejectUnauthorized: false, ALPNProtocols: ['h2'] })
    last.write(inOnePiece(request))
    await once(last, 'data')
    last.destroy()
    expect(server.log).not.to.match(/exited|was ended by/)
  })

  it('ends none with a trailer that is refused when nobody reads it', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '--http2-cleartext', 'prior-knowledge', './app.mjs'],
      files: { 'app.mjs': `export default (req, res) => console.log('has ' + req.method)` },
    })
    const url = await server.running()
    const socket = await open(url)
    const trailer = frame(headers, whole, 1, literal('host', 'other'))
    socket.resume().write(inOnePiece(frame(headers, endHeaders, 1, post), trailer))
    await server.says(/has POST/)
    socket.write(frame(reset, 0, 1, u32(8)))
    await server.says(/Refused a request/)
    const next = await open(url)
    next.write(inOnePiece(request))
    await server.says(/has GET/)
    for (const one of [socket, next]) one.destroy()
    expect(server.log).not.to.match(/exited/)
  })

  it('leaves no connection behind when its answer had to wait', async function () {
    if (!hasOpenssl) return this.skip()
    // The limit that would cut such a connection in the end.
    const server = launchOverTls(`export default (req, res) => res.end('answer')`, '--write-timeout', '0')
    const { port } = new URL(await server.running())
    const resetLate = async () => {
      const socket = connect({ port: Number(port), rejectUnauthorized: false, ALPNProtocols: ['h2'] })
      await once(socket, 'secureConnect')
      const frames = framesOf(socket)
      const until = async (type: number) => {
        for (;;) if ((await frames.next()).value?.type === type) return
      }
      // Without a window the answer begins, and does not get on.
      socket.write(Buffer.concat([preface, frame(settings, 0, 0, setting(4, 0)), request]))
      await until(headers)
      socket.write(frame(goaway, 0, 0, Buffer.concat([u32(0), u32(0)])))
      await until(goaway)
      socket.write(frame(reset, 0, 1, u32(0)))
      return { socket, frames }
    }
    const leaves = await resetLate()
    const stays = await resetLate()
    leaves.socket.destroy()
    // To the end of the connection.
    while (!(await stays.frames.next()).done);
    server.signal('SIGTERM')
    await server.ended
    expect(server.log).not.to.match(/graceful_timeout is over/)
  })

  it('is logged, and its request is not run', async () => {
    const server = launch({
      args: [
        '-b',
        '127.0.0.1:0',
        '--http2-cleartext',
        'prior-knowledge',
        '--access-logfile',
        '-',
        './app.mjs',
      ],
      files: { 'app.mjs': apps['a listener'] as string },
    })
    const socket = await open(await server.running())
    socket.write(inOnePiece(expecting, frame(reset, 0, 1, u32(8))))
    await server.says(/"POST \/ HTTP\/2\.0" 499 /)
    expect(server.log).not.to.contain('answers')
    socket.destroy()
  })
})
