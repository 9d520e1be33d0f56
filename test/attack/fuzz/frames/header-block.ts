/** Blocks of header fields as bytes, in all the forms of HPACK, right or wrong (RFC 7541). */
import { chance, integer, pick, type Random } from '../../random.ts'
import { paths } from '../messages/message.ts'

/** Section 5.1; `first` holds the bits before the number. */
function integerBytes(first: number, bits: number, value: number): Buffer {
  const most = 2 ** bits - 1
  if (value < most) return Buffer.of(first | value)
  const bytes = [first | most]
  for (let rest = value - most; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.of(...bytes, rest)
    bytes.push((rest % 128) | 0x80)
  }
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  return Buffer.concat([integerBytes(0, 7, bytes.length), bytes])
}

export const indexed = (entry: number) => integerBytes(0x80, 7, entry)
export const sizeUpdate = (size: number) => integerBytes(0x20, 5, size)

const forms = { plain: 0x00, incremental: 0x40, never: 0x10 } as const

export function literal(name: string, value: string, form: keyof typeof forms = 'plain'): Buffer {
  return Buffer.concat([Buffer.of(forms[form]), text(name), text(value)])
}

export interface Head {
  readonly method?: string
  readonly path?: string
  readonly fields?: readonly (readonly [string, string])[]
}

export function block({ method = 'GET', path = '/', fields = [] }: Head = {}): Buffer {
  const pseudo = [
    [':method', method],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'test'],
  ] as const
  return Buffer.concat([...pseudo, ...fields].map(([name, value]) => literal(name, value)))
}

/** A request whose fields are mostly right, in any of the forms. */
export function requestBlock(random: Random, oddness: number): Buffer {
  const odd = () => chance(random, oddness)
  const method = odd()
    ? pick(random, ['CONNECT', 'PRI', 'get', '', 'OPTIONS', 'TRACE', 'Q\0'])
    : pick(random, ['GET', 'POST', 'PUT', 'HEAD'])
  const path = odd()
    ? pick(random, ['*', '', 'a', 'http://test/', '/\xff', `/${'a'.repeat(5_000)}`])
    : pick(random, paths)
  const field = (name: string, value: string) =>
    literal(name, value, pick(random, ['plain', 'incremental', 'never']))
  const parts = [
    field(':method', method),
    field(':scheme', pick(random, ['http', 'https'])),
    field(':path', path),
  ]
  if (!odd()) parts.push(field(':authority', 'test'))
  if (odd()) parts.push(field(...pick(random, oddPseudo)))
  for (let n = integer(random, 0, 3); n > 0; n -= 1) parts.push(field(...pick(random, plainFields)))
  for (let n = integer(random, 0, 2); n > 0 && odd(); n -= 1) parts.push(field(...pick(random, oddFields)))
  if (odd()) parts.splice(integer(random, 0, parts.length), 0, pick(random, rawParts))
  if (odd()) parts.push(...parts.splice(0, 1))
  return Buffer.concat(parts)
}

type Field = readonly [string, string]

const oddPseudo: readonly Field[] = [
  [':port', '1'],
  [':path', '/'],
  [':status', '200'],
  [':protocol', 'websocket'],
  [':authority', 'other'],
  [':Method', 'GET'],
  [':', ''],
]

const plainFields: readonly Field[] = [
  ['accept', '*/*'],
  ['cookie', 'a=b'],
  ['cookie', 'c=d'],
  ['content-type', 'text/plain'],
  ['te', 'trailers'],
  ['expect', '100-continue'],
  ['x-a', '1'],
]

const oddFields: readonly Field[] = [
  ...[
    ['host', 'other'],
    ['host', 'test'],
    ['connection', 'close'],
    ['keep-alive', '1'],
    ['transfer-encoding', 'chunked'],
  ],
  ...[
    ['upgrade', 'websocket'],
    ['proxy-connection', 'x'],
    ['te', 'gzip'],
    ['X-A', '1'],
    ['x-a', 'a\r\nb: c'],
    ['x-a', '\0'],
  ],
  ...[
    ['content-length', '5'],
    ['content-length', '-1'],
    ['content-length', '99999999999999999999'],
    ['content-length', ''],
  ],
  ...[
    ['content-type', 'a/b'],
    ['expect', '100-continue, wonders'],
    ['expect', 'wonders'],
    ['expect', ''],
    ['', 'x'],
    ['x a', '1'],
  ],
  ...[
    ['http2-settings', 'AAMAAABk'],
    ['__proto__', '1'],
    ['x_a', '1'],
    ['x-forwarded-proto', 'https'],
    ['x-a', ' 1 '],
  ],
  ...[
    ['x-a', 'a'.repeat(9_000)],
    ['x-a', '\xff\xfe'],
    ['authorization', 'x'],
    ['content-length', '0'],
    ['cookie', ''],
  ],
] as unknown as readonly Field[]

/** What is no field: indexes beyond the table, numbers without an end, Huffman codes that are none, changes of the table. */
const rawParts: readonly Buffer[] = [
  ...[
    indexed(0),
    indexed(62),
    indexed(1_000_000),
    Buffer.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
    indexed(8),
  ],
  ...[
    sizeUpdate(0),
    sizeUpdate(4_096),
    sizeUpdate(4_097),
    sizeUpdate(2 ** 31),
    Buffer.concat([sizeUpdate(0), sizeUpdate(100), sizeUpdate(1)]),
  ],
  ...[
    Buffer.of(0x00, 0x83, 0xff, 0xff, 0xff, 0x01, 0x61),
    Buffer.of(0x00, 0x81, 0xfe, 0x00),
    Buffer.of(0x40, 0x7f, 0x80, 0x80, 0x80),
  ],
  ...[
    Buffer.of(0x00, 0x05, 0x61),
    Buffer.of(0x0f),
    Buffer.of(0x10, 0x00, 0x00),
    Buffer.of(0x5f, 0xff, 0xff, 0x03, 0x00),
  ],
]

/** As many fields as there are, or one that is as large, in a table that keeps it and is asked for it again and again. */
export function bomb(random: Random): Buffer {
  const begin = block()
  if (chance(random, 0.5)) {
    return Buffer.concat([
      begin,
      ...Array.from({ length: integer(random, 90, 400) }, (_, n) => literal(`x-${n}`, `${n}`)),
    ])
  }
  const large = literal('x-large', 'a'.repeat(integer(random, 100, 3_900)), 'incremental')
  return Buffer.concat([
    begin,
    large,
    ...Array.from({ length: integer(random, 10, 3_000) }, () => indexed(62)),
  ])
}
