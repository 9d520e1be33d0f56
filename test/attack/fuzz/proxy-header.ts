/** Headers of the PROXY protocol, valid ones and others. */
import type { Target } from '../conversation.ts'
import { chance, integer, pick, type Random } from '../random.ts'
import { damage } from './mutation.ts'
import type { Script } from './step.ts'

/** Usually a valid one, where the listener may be sent one at all. */
export function preambleFor(random: Random, { proxyProtocol }: Target): Pick<Script, 'preamble'> {
  return proxyProtocol && chance(random, 0.9) ? { preamble: header(random) } : {}
}

/** Any, right or wrong. */
export function anyHeader(random: Random): Buffer {
  return pick(random, [header, (random: Random) => damage(random, header(random)), wrongText, strayBinary])(
    random,
  )
}

function wrongText(random: Random): Buffer {
  return Buffer.from(pick(random, wrongLines), 'latin1')
}

function strayBinary(random: Random): Buffer {
  return binary(random, true)
}

function header(random: Random): Buffer {
  return chance(random, 0.5) ? text(random) : binary(random)
}

function text(random: Random): Buffer {
  return Buffer.from(pick(random, lines), 'latin1')
}

const lines = [
  'PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n',
  'PROXY TCP6 2001:db8::1 2001:db8::2 65535 443\r\n',
  'PROXY UNKNOWN\r\n',
  'PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n',
]

const wrongLines = [
  'PROXY TCP4 192.0.2.256 192.0.2.2 1234 80\r\n',
  'PROXY TCP4 192.0.2.1 192.0.2.2 65536 80\r\n',
  'PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\n',
  'PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n',
  'PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n',
  'PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n',
  'PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n',
  'PROXY \r\n',
  'PROXY TCP4 fe80::1%lo ::1 1 2\r\n',
  `PROXY UNKNOWN ${'a'.repeat(200)}\r\n`,
  `PROXY TCP4 192.0.2.1 192.0.2.2 ${'0'.repeat(100)}1 2\r\n`,
  'PROX',
  'proxy tcp4 192.0.2.1 192.0.2.2 1 2\r\n',
]

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

/** Version and command, family, the length that is said, and what follows: each may be wrong where `strays`. */
function binary(random: Random, strays = false): Buffer {
  const [family, width] = pick(random, [
    [0x11, 12],
    [0x21, 36],
    [0x31, 216],
    [0x00, 0],
    [0x12, 12],
  ] as const)
  const extensions = chance(random, 0.3) ? extension(random, strays) : Buffer.alloc(0)
  const rest = Buffer.concat([
    Buffer.from(Array.from({ length: width }, () => integer(random, 0, 255))),
    extensions,
  ])
  const head = Buffer.alloc(4)
  head.writeUInt8(
    strays ? pick(random, [0x20, 0x21, 0x22, 0x11, 0x00, 0xff]) : pick(random, [0x20, 0x21, 0x21]),
    0,
  )
  head.writeUInt8(strays ? integer(random, 0, 255) : family, 1)
  const length = strays
    ? pick(random, [0, 1, 11, rest.length, rest.length + 1, 4_080, 4_096, 65_535])
    : rest.length
  head.writeUInt16BE(length, 2)
  return Buffer.concat([signature, head, rest])
}

/** Type, length, value: section 2.2. */
function extension(random: Random, strays: boolean): Buffer {
  const value = Buffer.alloc(integer(random, 0, 40), 0x61)
  const length = strays ? pick(random, [0, 0xffff]) : value.length
  return Buffer.concat([
    Buffer.of(pick(random, [0x01, 0x02, 0x04, 0x20, 0xee])),
    Buffer.of(length >> 8, length & 0xff),
    value,
  ])
}
