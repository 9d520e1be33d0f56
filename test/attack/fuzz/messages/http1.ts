/** Conversations of HTTP/1: requests one by one and in pipelines, odd and not, cut, damaged and left at every state. */
import type { Conversation } from '../../conversation.ts'
import { chance, integer, pick, type Random } from '../../random.ts'
import { damage, mutate, resegment } from '../mutation.ts'
import { conversation } from '../player.ts'
import { destroy, halfClose, pause, reset, type Step, stopReading, toBytes, wait, write } from '../step.ts'
import { type Pieces, paths, request } from './message.ts'

/** Mostly what a client of HTTP/1.1 offers; else what it should not. */
export function alpnOfHttp1(random: Random): readonly string[] {
  return chance(random, 0.8)
    ? ['http/1.1']
    : pick(random, [[], ['h2'], ['h2', 'http/1.1'], ['spdy/3'], ['http/1.0']])
}

/** Writes its pieces, and waits at some of the places where a client might. */
function sent(random: Random, pieces: Pieces): Step[] {
  return pieces.flatMap(piece => [write(piece), ...pick(random, [[], [], [pause()], [wait(60)]])])
}

const endings: readonly (readonly Step[])[] = [
  ...[[wait()], [wait()], [wait(), wait()], [pause()], [reset], [pause(), reset], [destroy], [wait(), reset]],
  ...[
    [halfClose, wait()],
    [stopReading, pause(50), reset],
    [halfClose, pause(), reset],
  ],
]

const get = (path: string, ...fields: string[]) =>
  [`GET ${path} HTTP/1.1`, 'Host: test', ...fields, '', ''].join('\r\n')

export const http1Conversations: readonly Conversation[] = [
  conversation('requests that are damaged', random => {
    const requests = Array.from({ length: integer(random, 1, 4) }, () => request(random, 0.02))
    const steps = requests.flatMap(pieces => [...sent(random, pieces), wait(60)])
    return { alpn: alpnOfHttp1(random), steps: [...mutate(random, steps), ...pick(random, endings)] }
  }),
  conversation('odd requests', random => {
    const requests = Array.from({ length: integer(random, 1, 3) }, () => request(random, 0.15))
    const steps = requests.flatMap(pieces => sent(random, pieces))
    return { alpn: alpnOfHttp1(random), steps: [...resegment(random, steps), ...pick(random, endings)] }
  }),
  conversation('a pipeline', random => {
    const requests = Array.from({ length: integer(random, 1, 20) }, () => request(random, 0.01))
    const steps = requests.flatMap(pieces => pieces.map(write))
    const mutated = chance(random, 0.5) ? mutate(random, steps) : resegment(random, steps)
    return { alpn: alpnOfHttp1(random), steps: [...mutated, ...pick(random, endings)] }
  }),
  conversation('a body behind an early answer', random => {
    const path = pick(random, ['/early', '/ignore', '/throw', '/socket', '*'])
    const size = pick(random, [10, 70_000, 1_000_000])
    const isChunked = chance(random, 0.5)
    const framing = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${size}`
    const expects = chance(random, 0.3) ? ['Expect: 100-continue'] : []
    const part = 'z'.repeat(Math.ceil(size / 5))
    const piece = isChunked ? `${part.length.toString(16)}\r\n${part}\r\n` : part
    const parts = Array.from({ length: integer(random, 0, 5) }, () => [
      write(piece),
      pause(pick(random, [0, 0, 5])),
    ])
    const last = chance(random, 0.5) ? [write(isChunked ? '0\r\n\r\n' : ''), write(get('/'))] : []
    const head = get(path, framing, ...expects).replace('GET', pick(random, ['POST', 'PUT', 'GET', 'HEAD']))
    const steps = [write(head), ...pick(random, [[], [wait(60)]]), ...parts.flat(), ...last]
    return { alpn: alpnOfHttp1(random), steps: [...steps, ...pick(random, endings)] }
  }),
  conversation('CONNECT and other ways out', random => {
    const way = pick(random, ways)
    const after = pick(random, [
      '',
      get('/'),
      '\0\x01\x02',
      way,
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      'x'.repeat(70_000),
    ])
    const before = chance(random, 0.3) ? [write(get(pick(random, paths)))] : []
    const steps = [...before, write(way), ...pick(random, [[], [wait(60)], [pause()]]), write(after)]
    const mutated = chance(random, 0.5) ? mutate(random, steps) : resegment(random, steps)
    return { alpn: alpnOfHttp1(random), steps: [...mutated, ...pick(random, endings)] }
  }),
  conversation('answers that nobody reads', random => {
    const count = integer(random, 1, 8)
    const asked = Array.from({ length: count }, () =>
      write(get(pick(random, ['/large', '/stream', '/large', '/slow']))),
    )
    const steps = [stopReading, ...asked, pause(pick(random, [0, 20, 100]))]
    return { alpn: ['http/1.1'], steps: [...steps, pick(random, [reset, destroy, halfClose])] }
  }),
  conversation('a client that stops anywhere', random => {
    const bytes = toBytes(request(random, 0).join(''))
    const cut = integer(random, 0, Math.min(bytes.length, 400))
    const ending = pick(random, [reset, halfClose, destroy, pause(30)])
    return {
      alpn: alpnOfHttp1(random),
      steps: [...resegment(random, [write(bytes.subarray(0, cut))]), ending, ...pick(random, [[], [wait()]])],
    }
  }),
  conversation('bytes that are no message', random => {
    const noise = Buffer.from(Array.from({ length: integer(random, 1, 600) }, () => integer(random, 0, 255)))
    const bytes = pick(random, [noise, toBytes(pick(random, noMessages)), damage(random, toBytes(get('/')))])
    const steps = [write(bytes), ...pick(random, [[], [write(get('/'))]])]
    return { alpn: alpnOfHttp1(random), steps: [...resegment(random, steps), ...pick(random, endings)] }
  }),
]

const upgradeTo = (protocol: string, ...fields: string[]) =>
  get('/', 'Connection: Upgrade', `Upgrade: ${protocol}`, ...fields)

const ways = [
  'CONNECT test:443 HTTP/1.1\r\nHost: test:443\r\n\r\n',
  'CONNECT test:443 HTTP/1.1\r\nHost: test:443\r\nContent-Length: 5\r\n\r\nhello',
  'CONNECT test:443 HTTP/1.0\r\n\r\n',
  'CONNECT / HTTP/1.1\r\nHost: test\r\n\r\n',
  'CONNECT test:443 HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
  'CONNECT test:443 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  upgradeTo('h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'),
  upgradeTo('foo'),
  upgradeTo('websocket'),
  upgradeTo('websocket, h2c', 'Content-Length: 5'),
  upgradeTo('TLS/1.0'),
  upgradeTo('foo', 'Transfer-Encoding: chunked'),
  upgradeTo('foo', 'Host: other'),
  upgradeTo('foo', 'Expect: 100-continue'),
  'OPTIONS * HTTP/1.1\r\nHost: test\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\n',
]

const noMessages = [
  ...[
    '\r\n\r\n\r\n',
    '\n',
    '\0',
    'GET',
    'GET ',
    'GET /',
    'GET / HTTP/1.1',
    'GET / HTTP/1.1\r\n',
    'P',
    'PRI',
    'PRI * HTTP/2.0\r\n\r\nSM',
  ],
  ...[
    'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n',
    'PRI * HTTP/1.1\r\nHost: test\r\n\r\n',
    'HTTP/1.1 200 OK\r\n\r\n',
    '\x16\x03\x01',
    '\x80\x2e\x01',
  ],
  ...[
    'EHLO test\r\n',
    '*1\r\n$4\r\nPING\r\n',
    `GET /${'a'.repeat(200_000)}`,
    `GET / HTTP/1.1\r\nX: ${'a'.repeat(300_000)}`,
  ],
]
