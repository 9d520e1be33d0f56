/** Messages of HTTP/1 as their parts: valid ones, and the ways in which one can be odd. */
import { chance, integer, pick, type Random } from '../../random.ts'
import { bodies } from './body.ts'

/** What a client sends of one request, in the pieces between which it may wait. */
export type Pieces = readonly string[]

/** Apps of the attack answer these in their own ways; for others they are paths like any other. */
export const paths: readonly string[] = [
  ...['/', '/echo', '/early', '/slow', '/stream', '/large', '/ignore', '/socket', '/hints', '/throw'],
]

export function request(random: Random, oddness: number): Pieces {
  const odd = () => chance(random, oddness)
  const method = odd()
    ? pick(random, oddMethods)
    : pick(random, ['GET', 'GET', 'POST', 'POST', 'PUT', 'HEAD', 'DELETE'])
  const target = odd() ? pick(random, oddTargets) : pick(random, paths)
  const version = odd() ? pick(random, versions) : 'HTTP/1.1'
  const fields = [...(odd() ? pick(random, oddHosts) : ['Host: test'])]
  for (let n = integer(random, 0, 3); n > 0; n -= 1) fields.push(pick(random, plainFields))
  if (odd()) fields.push(pick(random, oddFields))
  if (chance(random, 0.15)) fields.push(pick(random, proxyFields))
  const body = hasBody(method, random) ? pick(random, bodies)(random, odd) : { fields: [], pieces: [] }
  const expects = body.pieces.length > 0 && chance(random, 0.2)
  if (expects) fields.push(odd() ? pick(random, oddExpectations) : 'Expect: 100-continue')
  else if (odd() && chance(random, 0.1)) fields.push(pick(random, oddExpectations))
  fields.push(...body.fields)
  const end = odd() && chance(random, 0.3) ? pick(random, ['\n', '\r', '\r\r\n']) : '\r\n'
  return [[`${method} ${target} ${version}`, ...fields, '', ''].join(end), ...body.pieces]
}

function hasBody(method: string, random: Random): boolean {
  return method === 'POST' || method === 'PUT' || chance(random, 0.1)
}

const oddMethods = [
  'get',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PRI',
  'PATCH',
  'M-SEARCH',
  'DESCRIBE',
  'SOURCE',
  '',
  'GE T',
  'Q'.repeat(40),
]
const versions = [
  'HTTP/1.0',
  'HTTP/1.0',
  'HTTP/0.9',
  'HTTP/2.0',
  'HTTP/1.2',
  'HTTP/1',
  'HTTP/1.1 ',
  'HTP/1.1',
  '',
  'RTSP/1.0',
  'ICE/1.0',
]

const oddTargets = [
  ...[
    '*',
    '//',
    '/../..',
    '/%',
    '/%00',
    '/a b',
    '/\xff',
    'http://test/a',
    'https://test/',
    'http://',
    's://]ufd/:',
    'test:443',
  ],
  ...[
    'http://user:pass@test:99999/',
    '?',
    '#',
    '/?#',
    'http:/a',
    '/\\',
    '/a?b#c',
    '//test//echo',
    `/${'a'.repeat(5_000)}`,
    '/socket?a=b',
  ],
  'http://[::1',
]

const oddHosts: readonly (readonly string[])[] = [
  [],
  ...[
    ['Host: a', 'Host: b'],
    ['Host:'],
    ['Host: a b'],
    ['Host: test:x'],
    ['Host: [::1'],
    ['Host: a/b'],
    ['host: test', 'HOST: test'],
  ],
  ['Host: a@b'],
]

const plainFields = [
  ...[
    'Accept: */*',
    'Cookie: a=b; c=d',
    'Connection: keep-alive',
    'X-A: 1',
    'Accept-Encoding: gzip',
    'User-Agent: x',
  ],
  ...[
    'Content-Type: text/plain',
    'Content-Type: application/json',
    'Authorization: Basic x',
    'Range: bytes=0-',
    'If-None-Match: *',
  ],
]

const oddFields = [
  ...[
    'Connection: close',
    'Connection: close, keep-alive',
    'Connection: upgrade',
    'Connection: \t,,',
    'Keep-Alive: timeout=0',
  ],
  ...[
    'X-A : 1',
    ' X-A: 1',
    'X-A: 1\r\n folded',
    'X-A',
    ': 1',
    'X-A: \0',
    'X-A: \xff\x80',
    'X\xe9: 1',
    'X-A: a\rb',
    'X-A: a\nb',
  ],
  ...[
    'Content-Type: a/b\r\nContent-Type: c/d',
    'X_A: 1',
    '__proto__: 1',
    'constructor: 1',
    'hasOwnProperty: 1',
    'TE: trailers',
  ],
  ...[
    'Trailer: Host',
    'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
  ],
  ...[
    'Upgrade: websocket\r\nConnection: Upgrade',
    'Upgrade: foo\r\nConnection: upgrade',
    'Upgrade: \r\nConnection: upgrade',
  ],
  ...[
    `X-A: ${'a'.repeat(9_000)}`,
    `X-A:${' '.repeat(9_000)}1`,
    Array.from({ length: 120 }, (_, n) => `X-${n}: ${n}`).join('\r\n'),
  ],
  ...['Proxy-Connection: keep-alive', 'Content-Encoding: gzip', ':method: GET', 'Set-Cookie: a', 'Date: x'],
]

/** What a proxy says, from somebody who is none. */
const proxyFields = [
  ...[
    'X-Forwarded-For: 10.0.0.1',
    'X-Forwarded-For: \xff',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Proto: http, https',
  ],
  ...[
    'X-Forwarded-Protocol: ssl\r\nX-Forwarded-Ssl: off',
    'X-Forwarded-Ssl: on',
    'X-Forwarded-Host: a\r\nX-Forwarded-Host: b',
  ],
  ...[
    'Forwarded: for="[::1]";proto=https',
    'Forwarded: ;;',
    'REMOTE_USER: admin',
    'SCRIPT_NAME: /a',
    'X_Forwarded_Proto: https',
  ],
  ...['X-Request-Id: forged', 'X-Real-IP: 127.0.0.1', `X-Forwarded-For: ${'1.1.1.1, '.repeat(500)}`],
]

const oddExpectations = [
  ...[
    'Expect: 100-continue, 100-continue',
    'Expect: 100-Continue',
    'Expect: x-100-continue=5',
    'Expect: wonders',
    'Expect:',
  ],
  ...[
    'Expect: 100-continue\r\nExpect: 100-continue',
    'Expect: 100-continue\r\nExpect: wonders',
    'Expect: \t100-continue ',
  ],
]
