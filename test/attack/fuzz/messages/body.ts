/** Bodies of HTTP/1: measured and chunked ones, and the ways in which one can be wrong. */
import { chance, integer, pick, type Random } from '../../random.ts'
import { extremes } from '../mutation.ts'

export interface Body {
  readonly fields: readonly string[]
  readonly pieces: readonly string[]
}

type BodyMaker = (random: Random, odd: () => boolean) => Body

export const bodies: readonly BodyMaker[] = [
  function measured(random, odd) {
    const size = pick(random, [0, 1, 5, 300, 20_000, 150_000])
    const said = odd() ? pick(random, extremes) : String(size)
    const fields = [`Content-Length: ${said}`]
    if (odd()) fields.push(pick(random, conflicts))
    return { fields, pieces: halves(random, 'x'.repeat(size)) }
  },
  function chunked(random, odd) {
    const pieces = Array.from({ length: integer(random, 0, 4) }, () => chunk(random, odd))
    const trailers = chance(random, 0.3)
      ? pick(random, odd() ? oddTrailers : ['X-Sum: 1\r\n', 'Vary: *\r\n'])
      : ''
    const last = odd()
      ? pick(random, ['0\r\n', '', '00\r\n\r\n', '0\n\n', '0;\r\n\r\n', '-0\r\n\r\n'])
      : `0\r\n${trailers}\r\n`
    const fields = [`Transfer-Encoding: ${odd() ? pick(random, codings) : 'chunked'}`]
    if (odd()) fields.push(pick(random, conflicts))
    return { fields, pieces: [...pieces, last] }
  },
]

function halves(random: Random, text: string): string[] {
  const middle = integer(random, 0, text.length)
  return [text.slice(0, middle), text.slice(middle)].filter(part => part !== '')
}

function chunk(random: Random, odd: () => boolean): string {
  const size = pick(random, [1, 5, 16, 300, 70_000])
  const said = odd()
    ? pick(random, [...extremes, 'five', '5 ', '0x5', '5_0', '\r\n', 'FFFFFFFFFFFFFFFF'])
    : size.toString(16)
  const extension = chance(random, 0.2) ? pick(random, odd() ? oddExtensions : [';a=b', ';a="b"']) : ''
  const end = odd() ? pick(random, ['\n', '', '\r', '!\r\n', '\r\n\r\n']) : '\r\n'
  return `${said}${extension}\r\n${'y'.repeat(size)}${end}`
}

const oddExtensions = [';', '; a', ';a=\r', ';a=\n', ';a="\0"', `;${'a'.repeat(20_000)}`, ';a="b', ' ;a']
const oddTrailers = [
  ...[
    'Host: a\r\n',
    'Content-Length: 5\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Authorization: x\r\n',
    'nonsense\r\n',
    'X_A: 1\r\n',
  ],
  ...[
    `X: ${'a'.repeat(9_000)}\r\n`,
    Array.from({ length: 200 }, (_, n) => `X-${n}: ${n}\r\n`).join(''),
    ' X: 1\r\n',
    'X : 1\r\n',
    '\0: 1\r\n',
  ],
  ...['__proto__: 1\r\n', 'X: \xff\r\n'],
]
const codings = [
  'gzip, chunked',
  'chunked, gzip',
  'chunked, chunked',
  'identity',
  'rot13, chunked',
  '\x0bchunked',
  'chunkedx',
  '',
  'CHUNKED',
]
const conflicts = [
  ...[
    'Content-Length: 3',
    'Content-Length: 0',
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: identity',
    'Content-Length: 5, 5',
  ],
  ...['Transfer_Encoding: chunked', 'Content_Length: 3', 'Transfer-Encoding : chunked'],
]
