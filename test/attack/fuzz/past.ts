/** What has ended a worker before, or gone wrong otherwise, byte by byte: none of it may do so again. */
import type { Conversation } from '../conversation.ts'
import { createRandom } from '../random.ts'
import { clientHello } from './client-hello.ts'
import {
  acknowledgement,
  data,
  frame,
  headers,
  opening,
  preface,
  reset as resetStream,
  settings,
  types,
  window,
} from './frames/frame.ts'
import { block, literal } from './frames/header-block.ts'
import { conversation } from './player.ts'
import { halfClose, pause, reset, type Script, type Step, wait, write } from './step.ts'

const host = 'Host: test\r\n'
const get = `GET / HTTP/1.1\r\n${host}\r\n`
const slow = `GET /slow HTTP/1.1\r\n${host}\r\n`
const connect = `CONNECT test:1 HTTP/1.1\r\n${host}\r\n`
const upgrade = (fields = '') =>
  `GET / HTTP/1.1\r\n${host}${fields}Connection: Upgrade\r\nUpgrade: echo\r\n\r\n`
const proxyLine = 'PROXY TCP4 127.0.0.1 127.0.0.1 5 6\r\n'
const lies = `POST /pay HTTP/1.1\r\n${host}X-Forwarded-Proto: https\r\nREMOTE_USER: admin\r\nContent-Length: 0\r\n\r\n`

const expecting = (method = 'POST') =>
  headers(1, block({ method, fields: [['expect', '100-continue']] }), false)
const badFrame = frame(types.settings, 0, 0, Buffer.alloc(5))
const upload = (path: string) => headers(1, block({ method: 'POST', path }), false)

/** All frames in one segment, which reach the server with the preface. */
const packet = (...frames: readonly Buffer[]): readonly Step[] => [
  write(Buffer.concat([...opening, ...frames])),
  wait(),
]
const http2 = (...steps: readonly Step[]): Script => ({ alpn: ['h2'], steps })
const http1 = (...steps: readonly Step[]): Script => ({ alpn: ['http/1.1'], steps })

const scripts: Readonly<Record<string, Script>> = {
  'an expectation whose stream is reset in the same packet': http2(...packet(expecting(), resetStream(1))),
  'an expectation, and a bad frame in the same packet': http2(...packet(expecting(), badFrame)),
  'an expectation, and a window that grows by nothing in the same packet': http2(
    ...packet(expecting(), window(1, 0)),
  ),
  'an expectation, and a window of all that grows by nothing': http2(...packet(expecting(), window(0, 0))),
  'an expectation with an end, and a reset': http2(
    ...packet(headers(1, block({ fields: [['expect', '100-continue']] }), true), resetStream(1)),
  ),
  'an expectation that nobody fulfils, and a reset': http2(
    ...packet(headers(1, block({ method: 'POST', fields: [['expect', 'wonders']] }), false), resetStream(1)),
  ),
  'CONNECT with an expectation, and a reset': http2(...packet(expecting('CONNECT'), resetStream(1))),
  'CONNECT over HTTP/2, and a reset': http2(
    ...packet(headers(1, literal(':method', 'CONNECT'), false), resetStream(1)),
  ),
  'a request and its reset in one packet': http2(...packet(headers(1, block(), true), resetStream(1))),
  'a Host that is not the authority, and a reset': http2(
    ...packet(headers(1, block({ fields: [['host', 'other']] }), true), resetStream(1)),
  ),
  'an expectation, and a reset of the connection': http2(
    write(Buffer.concat([...opening, expecting()])),
    reset,
  ),
  'a body refused after the answer began: a trailer': http2(
    ...packet(upload('/early'), data(1, Buffer.from('x'), false)),
    write(headers(1, literal('host', 'other'), true)),
    wait(),
  ),
  'a body refused after the answer began: its size': http2(
    ...packet(upload('/early')),
    ...Array.from({ length: 4 }, () => write(data(1, Buffer.alloc(16_000), false))),
    wait(),
  ),
  'a body refused before its answer': http2(
    ...packet(upload('/echo'), ...Array.from({ length: 4 }, () => data(1, Buffer.alloc(16_000), false))),
  ),
  'half of a preface': http2(write(preface.subarray(0, 10)), pause(20)),
  'a preface, and an end': http2(
    write(Buffer.concat([preface, settings(), acknowledgement])),
    halfClose,
    wait(),
  ),
  'CONNECT and a reset': http1(write(connect), reset),
  'CONNECT behind a slow request, and a reset': http1(write(slow + connect), pause(5), reset),
  'a refused upgrade and a reset': http1(write(upgrade(host)), reset),
  'an upgrade behind a refused request, and a reset': http1(
    write(`GET * HTTP/1.1\r\n${host}\r\n${upgrade()}`),
    reset,
  ),
  'an upgrade and a reset': http1(write(upgrade()), reset),
  'a refused upgrade behind a slow request, and a reset': http1(write(slow + upgrade(host)), pause(5), reset),
  'a reset before anybody asked for the address': http1(write(lies), reset),
  'a PROXY header and a reset': {
    ...http1(write(proxyLine + lies), reset),
    plain: true,
    preamble: Buffer.alloc(0),
  },
  'a reset at once': { ...http1(reset), plain: true },
  'half of a ClientHello': {
    ...http1(write(clientHello(createRandom(1)).subarray(0, 60)), pause(20)),
    plain: true,
  },
  'half of a ClientHello, and a reset': {
    ...http1(write(clientHello(createRandom(1)).subarray(0, 60)), reset),
    plain: true,
  },
  'an empty line behind a request': http1(write(get), wait(), write('\r\n'), pause(20)),
  'a malformed request in a pipeline, and a reset': http1(
    write(`${slow}${get}nonsense\r\n\r\n`),
    pause(5),
    reset,
  ),
  'a body that is too large behind a slow answer': http1(
    write(
      `${slow}POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n20000\r\n${'x'.repeat(0x20000)}\r\n0\r\n\r\n`,
    ),
    wait(),
  ),
  'an expectation whose client leaves': http1(
    write(`POST /echo HTTP/1.1\r\n${host}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n`),
    reset,
  ),
}

export const pastConversations: readonly Conversation[] = Object.entries(scripts).map(([what, script]) =>
  conversation(`past: ${what}`, () => script),
)
