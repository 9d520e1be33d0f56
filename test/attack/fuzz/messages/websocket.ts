/** Conversations of WebSockets: frames of all kinds, in the order of RFC 6455 and in no order. */
import type { Conversation } from '../../conversation.ts'
import { chance, integer, pick, type Random } from '../../random.ts'
import { mutate, resegment } from '../mutation.ts'
import { conversation } from '../player.ts'
import { destroy, halfClose, pause, reset, type Step, stopReading, wait, write } from '../step.ts'

function handshake(random: Random, oddness: number): string {
  const odd = () => chance(random, oddness)
  return [
    `${odd() ? pick(random, ['POST', 'HEAD', 'get']) : 'GET'} /socket ${odd() ? 'HTTP/1.0' : 'HTTP/1.1'}`,
    'Host: test',
    `Upgrade: ${odd() ? pick(random, ['WebSocket, foo', 'ws', '']) : 'websocket'}`,
    `Connection: ${odd() ? 'upgrade, close' : 'Upgrade'}`,
    `Sec-WebSocket-Key: ${odd() ? pick(random, ['', 'short', '='.repeat(24)]) : 'dGhlIHNhbXBsZSBub25jZQ=='}`,
    `Sec-WebSocket-Version: ${odd() ? pick(random, ['12', '', '13, 8', '-1']) : '13'}`,
    ...(chance(random, 0.2) ? [pick(random, extensions)] : []),
    ...(odd()
      ? [pick(random, ['Content-Length: 4', 'Transfer-Encoding: chunked', 'Expect: 100-continue'])]
      : []),
    '',
    '',
  ].join('\r\n')
}

const extensions = [
  'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
  'Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99',
  'Sec-WebSocket-Extensions: ,;=',
  'Sec-WebSocket-Protocol: a, a, \xff',
  'Origin: null',
]

interface Parts {
  readonly opcode: number
  readonly payload?: Buffer
  readonly isLast?: boolean
  readonly reserved?: number
  readonly isMasked?: boolean
  /** The length that is said, where it is another than that of the payload. */
  readonly says?: bigint
}

/** RFC 6455, section 5.2. */
function frame({
  opcode,
  payload = Buffer.alloc(0),
  isLast = true,
  reserved = 0,
  isMasked = true,
  says,
}: Parts): Buffer {
  const length = says ?? BigInt(payload.length)
  const first = (isLast ? 0x80 : 0) | (reserved << 4) | opcode
  const mask = isMasked ? 0x80 : 0
  const head = Buffer.alloc(length < 126n ? 2 : length < 65_536n ? 4 : 10)
  head.writeUInt8(first, 0)
  if (length < 126n) head.writeUInt8(mask | Number(length), 1)
  else if (length < 65_536n) {
    head.writeUInt8(mask | 126, 1)
    head.writeUInt16BE(Number(length), 2)
  } else {
    head.writeUInt8(mask | 127, 1)
    head.writeBigUInt64BE(length, 2)
  }
  const key = Buffer.of(1, 2, 3, 4)
  const masked = Buffer.from(payload.map((byte, n) => byte ^ (key[n % 4] as number)))
  return Buffer.concat(isMasked ? [head, key, masked] : [head, payload])
}

function closing(code: number, reason = ''): Buffer {
  return Buffer.concat([Buffer.of(code >> 8, code & 0xff), Buffer.from(reason, 'latin1')])
}

const text = Buffer.from('hello')
const closeCodes = [0, 999, 1000, 1001, 1004, 1005, 1006, 1015, 1016, 2999, 3000, 4999, 5000, 65_535]

const frames: readonly ((random: Random) => Buffer)[] = [
  () => frame({ opcode: 1, payload: text }),
  () => frame({ opcode: 1, payload: text }),
  () => frame({ opcode: 2, payload: Buffer.alloc(70_000, 1) }),
  () => frame({ opcode: 9, payload: text }),
  () => frame({ opcode: 10, payload: text }),
  () => frame({ opcode: 1, payload: text, isLast: false }),
  () => frame({ opcode: 0, payload: text, isLast: false }),
  () => frame({ opcode: 0, payload: text }),
  () => frame({ opcode: 9, payload: Buffer.alloc(126) }),
  () => frame({ opcode: 9, isLast: false }),
  random =>
    frame({
      opcode: 8,
      payload: closing(pick(random, closeCodes), pick(random, ['', 'bye', '\xff', 'a'.repeat(124)])),
    }),
  () => frame({ opcode: 8 }),
  () => frame({ opcode: 8, payload: Buffer.of(3) }),
  random => frame({ opcode: integer(random, 0, 15), payload: text, reserved: integer(random, 0, 7) }),
  () => frame({ opcode: 1, payload: text, isMasked: false }),
  () => frame({ opcode: 1, payload: Buffer.from([0xff, 0xfe, 0x80]) }),
  () => frame({ opcode: 1, payload: Buffer.from([0x4b, 0, 0xff]), reserved: 4 }),
  random =>
    frame({
      opcode: 2,
      payload: text,
      says: pick(random, [4n, 125n, 126n, 65_535n, 65_536n, 2n ** 31n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]),
    }),
]

function talk(random: Random): Step[] {
  return Array.from({ length: integer(random, 1, 12) }, () => [
    write(pick(random, frames)(random)),
    ...pick(random, [[], [], [pause()], [wait(30)]]),
  ]).flat()
}

const endings: readonly (readonly Step[])[] = [
  ...[
    [wait(60)],
    [reset],
    [pause(), reset],
    [destroy],
    [halfClose, wait(60)],
    [stopReading, pause(20), reset],
  ],
]

export const webSocketConversations: readonly Conversation[] = [
  conversation('a WebSocket with frames of all kinds', random => {
    const steps = [write(handshake(random, 0)), ...pick(random, [[wait()], [wait()], []]), ...talk(random)]
    return { alpn: ['http/1.1'], steps: [...resegment(random, steps), ...pick(random, endings)] }
  }),
  conversation('a WebSocket that is damaged', random => {
    const steps = [write(handshake(random, 0.05)), wait(), ...talk(random)]
    return { alpn: ['http/1.1'], steps: [...mutate(random, steps), ...pick(random, endings)] }
  }),
  conversation('handshakes of WebSockets behind requests', random => {
    const before = Array.from(
      { length: integer(random, 0, 5) },
      () => 'GET /slow HTTP/1.1\r\nHost: test\r\n\r\n',
    )
    const steps = [...before, handshake(random, 0.1), handshake(random, 0.1)].map(write)
    return {
      alpn: ['http/1.1'],
      steps: [...mutate(random, [...steps, ...talk(random)]), ...pick(random, endings)],
    }
  }),
]
