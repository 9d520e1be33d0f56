/** Frames of HTTP/2 as bytes, right and wrong, each with the answer or the error that a server owes to them. */
import { expect } from 'chai'
import {
  acknowledged,
  bare,
  endHeaders,
  endStream,
  errors,
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

/** Statuses of the static table. */
const statuses: Readonly<Record<number, string>> = { 136: 'answer', 140: 'answer 400' }

const { data, headers, reset, settings, push, ping, goaway, window, more } = types
const request = frame(headers, whole, 1, get)

interface Case {
  readonly what: string
  readonly frames: readonly Buffer[]
  /** `goaway protocol`, `reset refused stream`, `answer`, `pong`; the first of these frames counts. */
  readonly expected: readonly string[]
}

const connection = (what: string, error: string, ...frames: Buffer[]): Case => ({
  what,
  frames,
  expected: [`goaway ${error}`],
})
const refused = (what: string, ...parts: Uint8Array[]): Case => ({
  what,
  frames: [frame(headers, whole, 1, Buffer.concat(parts))],
  expected: ['answer 400'],
})
const stream = (what: string, error: string, ...frames: Buffer[]): Case => ({
  what,
  frames,
  expected: [`reset ${error}`, `goaway ${error}`],
})

const cases: readonly Case[] = [
  { what: 'a request', frames: [request], expected: ['answer'] },
  {
    what: 'a head in two frames',
    frames: [frame(headers, endStream, 1, get.subarray(0, 3)), frame(more, endHeaders, 1, get.subarray(3))],
    expected: ['answer'],
  },
  { what: 'a ping', frames: [frame(ping, 0, 0, Buffer.from('12345678'))], expected: ['pong'] },
  {
    what: 'an unknown frame before a request',
    frames: [frame(0x50, 0, 0, Buffer.from('?')), request],
    expected: ['answer'],
  },
  {
    what: 'an unknown setting before a request',
    frames: [frame(settings, 0, 0, setting(0x99, 1)), request],
    expected: ['answer'],
  },
  {
    what: 'a priority before a request',
    frames: [frame(types.priority, 0, 1, Buffer.concat([u32(0), Buffer.of(1)])), request],
    expected: ['answer'],
  },
  connection('settings of a wrong length', 'frame size', frame(settings, 0, 0, Buffer.alloc(5))),
  connection(
    'an acknowledgement with settings',
    'frame size',
    frame(settings, acknowledged, 0, setting(1, 1)),
  ),
  connection('settings of a stream', 'protocol', frame(settings, 0, 1, setting(3, 1))),
  connection('push that is neither on nor off', 'protocol', frame(settings, 0, 0, setting(2, 2))),
  connection('a window beyond all bounds', 'flow control', frame(settings, 0, 0, setting(4, 2 ** 31))),
  connection('frames smaller than the smallest', 'protocol', frame(settings, 0, 0, setting(5, 100))),
  connection('a ping of a wrong length', 'frame size', frame(ping, 0, 0, Buffer.alloc(6))),
  connection('a ping of a stream', 'protocol', frame(ping, 0, 1, Buffer.alloc(8))),
  connection('data without a stream', 'protocol', frame(data, 0, 0, Buffer.from('x'))),
  connection('data of a stream that is not open', 'protocol', frame(data, 0, 1, Buffer.from('x'))),
  connection('a head without a stream', 'protocol', frame(headers, whole, 0, get)),
  connection('a head of a stream of the server', 'protocol', frame(headers, whole, 2, get)),
  connection('a reset of a stream that is not open', 'protocol', frame(reset, 0, 1, u32(8))),
  connection(
    'a reset of a wrong length',
    'frame size',
    frame(headers, endHeaders, 1, post),
    frame(reset, 0, 1, Buffer.alloc(3)),
  ),
  connection('a push of the client', 'protocol', frame(push, endHeaders, 1, Buffer.concat([u32(2), get]))),
  connection('a window that grows by nothing', 'protocol', frame(window, 0, 0, u32(0))),
  connection('a window that grows too far', 'flow control', frame(window, 0, 0, u32(2 ** 31 - 1))),
  connection('the rest of a head that never began', 'protocol', frame(more, endHeaders, 1, get)),
  connection(
    'another frame within a head',
    'protocol',
    frame(headers, endStream, 1, get.subarray(0, 3)),
    frame(ping, 0, 0, Buffer.alloc(8)),
  ),
  connection(
    'a field that the table does not have',
    'compression',
    frame(headers, whole, 1, Buffer.of(0xff, 0xff, 0x7f)),
  ),
  connection(
    'padding that is longer than the frame',
    'protocol',
    frame(headers, whole | 0x08, 1, Buffer.of(200, 0x82)),
  ),
  connection(
    'a frame that is too large',
    'frame size',
    frame(headers, endHeaders, 1, post),
    frame(data, 0, 1, Buffer.alloc(16_385)),
  ),
  {
    what: 'a Host that is the authority',
    frames: [frame(headers, whole, 1, with_(literal('host', 'TEST')))],
    expected: ['answer'],
  },
  refused('a Host that is not the authority', get, literal('host', 'other')),
  stream('neither Host nor authority', 'protocol', frame(headers, whole, 1, bare)),
  stream(
    'two Hosts',
    'protocol',
    frame(headers, whole, 1, Buffer.concat([bare, literal('host', 'test'), literal('host', 'test')])),
  ),
  refused('an authority with a port in letters', bare, literal(':authority', 'test:x')),
  refused('two types of content', get, literal('content-type', 'a/b'), literal('content-type', 'c/d')),
  {
    what: 'a Host alone',
    frames: [frame(headers, whole, 1, Buffer.concat([bare, literal('host', 'test')]))],
    expected: ['answer'],
  },
  stream('a name in capitals', 'protocol', frame(headers, whole, 1, with_(literal('X-A', '1')))),
  stream('an unknown pseudo field', 'protocol', frame(headers, whole, 1, with_(literal(':port', '1')))),
  stream(
    'a pseudo field behind others',
    'protocol',
    frame(
      headers,
      whole,
      1,
      Buffer.concat([Buffer.of(indexed.get, indexed.http), literal('x-a', '1'), Buffer.of(indexed.root)]),
    ),
  ),
  stream('no path', 'protocol', frame(headers, whole, 1, Buffer.of(indexed.get, indexed.http))),
  stream('two paths', 'protocol', frame(headers, whole, 1, with_(Buffer.of(indexed.root)))),
  stream(
    'a field about the connection',
    'protocol',
    frame(headers, whole, 1, with_(literal('connection', 'close'))),
  ),
  stream(
    'an encoding of the transfer',
    'protocol',
    frame(headers, whole, 1, with_(literal('transfer-encoding', 'chunked'))),
  ),
  stream('a TE other than trailers', 'protocol', frame(headers, whole, 1, with_(literal('te', 'gzip')))),
  {
    // RFC 9113, section 8.2.1, wants an error; nghttp2 leaves the field out.
    what: 'a line end in a value, which nobody sees',
    frames: [frame(headers, whole, 1, with_(literal('x-a', 'a\r\nb: c')))],
    expected: ['answer'],
  },
  stream(
    'a body that is shorter than it says',
    'protocol',
    frame(headers, endHeaders, 1, Buffer.concat([post, literal('content-length', '5')])),
    frame(data, endStream, 1, Buffer.from('x')),
  ),
  stream(
    'a stream window that grows by nothing',
    'protocol',
    frame(headers, endHeaders, 1, post),
    frame(window, 0, 1, u32(0)),
  ),
  {
    what: 'more streams than there may be',
    frames: [1, 3, 5].map(id => frame(headers, endHeaders, id, post)),
    expected: ['reset refused stream', 'goaway protocol'],
  },
]

/** The first frame that says what became of it. */
async function play(url: string, frames: readonly Buffer[]): Promise<string> {
  const socket = await open(url)
  socket.write(Buffer.concat([preface, frame(settings, 0, 0), frame(settings, acknowledged, 0), ...frames]))
  for await (const { type, flags, payload } of framesOf(socket)) {
    if (type === goaway) return `goaway ${errors[payload.readUInt32BE(4)]}`
    if (type === reset) return `reset ${errors[payload.readUInt32BE(0)]}`
    if (type === headers) return statuses[payload[0] ?? 0] ?? 'another answer'
    if (type === ping && flags === acknowledged) return 'pong'
  }
  return 'closed'
}

describe('frames of HTTP/2', () => {
  it(`are answered as RFC 9113 says: ${cases.length} cases`, async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.mjs'],
      files: {
        'app.mjs': `export default (req, res) => { if (req.method === 'GET') res.writeHead('x-a' in req.headers ? 204 : 200).end() }`,
        'tsicorn.config.mjs': `export default { http2_cleartext: 'prior-knowledge', http2_max_concurrent_streams: 2 }`,
      },
    })
    const url = await server.running()
    const wrong: string[] = []
    for (const { what, frames, expected } of cases) {
      const outcome = await play(url, frames)
      if (!expected.includes(outcome)) wrong.push(`${what}: ${outcome}, expected ${expected.join(' or ')}`)
    }
    expect(wrong).to.deep.equal([])
    expect(await play(url, [request]), 'the server lives').to.equal('answer')
    expect(server.log).not.to.match(/exited/)
  })
})
