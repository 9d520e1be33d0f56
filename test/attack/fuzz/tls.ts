/** Conversations that end, or go astray, in the handshake of TLS or below what is said over it. */
import type { Conversation } from '../conversation.ts'
import { chance, integer, pick, type Random } from '../random.ts'
import { alert, clientHello, closeNotify, record } from './client-hello.ts'
import { headers, opening } from './frames/frame.ts'
import { block } from './frames/header-block.ts'
import { damage, mutate, resegment } from './mutation.ts'
import { conversation } from './player.ts'
import { destroy, halfClose, pause, raw, reset, type Step, wait, write } from './step.ts'

const get = 'GET /slow HTTP/1.1\r\nHost: test\r\n\r\n'
const endings: readonly (readonly Step[])[] = [
  [wait()],
  [reset],
  [pause(), reset],
  [halfClose, wait()],
  [destroy],
  [pause(20), destroy],
]

/** What may come in the place of what should. */
function records(random: Random): readonly Buffer[] {
  const noise = Buffer.from(Array.from({ length: integer(random, 0, 300) }, () => integer(random, 0, 255)))
  return [
    ...[
      closeNotify,
      alert(2, 40),
      alert(2, 0),
      alert(1, 100),
      alert(9, 9),
      record(20, Buffer.of(1)),
      record(21, Buffer.alloc(0)),
    ],
    ...[
      record(23, noise),
      record(22, noise),
      record(24, noise),
      record(22, Buffer.of(0, 0, 0, 0)),
      record(23, noise, 0xffff),
    ],
    ...[
      clientHello(random),
      Buffer.from(get),
      noise,
      record(22, Buffer.from([20, 0, 0, 32, ...Array(32).fill(0)])),
      record(23, Buffer.alloc(17_000)),
    ],
  ]
}

export const tlsConversations: readonly Conversation[] = [
  conversation('a ClientHello that is cut or damaged', random => {
    const hello = clientHello(
      random,
      pick(random, [['h2'], ['http/1.1'], [], ['foo'], ['h2', 'http/1.1'], ['']]),
    )
    const bytes = pick(random, [
      hello.subarray(0, integer(random, 1, hello.length)),
      damage(random, hello),
      hello,
    ])
    return { alpn: [], plain: true, steps: [...resegment(random, [write(bytes)]), ...pick(random, endings)] }
  }),
  conversation('a handshake that goes on with something else', random => {
    const others = Array.from({ length: integer(random, 1, 4) }, () => pick(random, records(random)))
    const steps = [write(clientHello(random)), ...pick(random, [[], [wait()]]), ...others.map(write)]
    return { alpn: [], plain: true, steps: [...mutate(random, steps), ...pick(random, endings)] }
  }),
  conversation('plain text to whoever wants TLS, and TLS to whoever does not', random => {
    const frames = Buffer.concat([...opening, headers(1, block(), true)])
    const bytes = pick(random, [Buffer.from(get), frames, ...records(random)])
    return { alpn: [], plain: true, steps: [...resegment(random, [write(bytes)]), ...pick(random, endings)] }
  }),
  conversation('a handshake that is slow, cut or damaged on its way', random => {
    const alpn = pick(random, [['h2'], ['http/1.1'], []])
    const bytes =
      alpn[0] === 'h2'
        ? Buffer.concat([...opening, headers(1, block({ path: '/large' }), true)])
        : Buffer.from(get)
    return {
      alpn,
      tls: {
        segment: pick(random, [1, 7, 100, 100_000]),
        after: integer(random, 0, pick(random, [100, 600, 1_200])),
        fate: pick(random, ['flip', 'flip', 'reset', 'destroy', 'half close', 'stall'] as const),
        ...(chance(random, 0.3) ? { maxVersion: 'TLSv1.2' as const } : {}),
      },
      steps: [write(bytes), wait(), ...pick(random, endings)],
    }
  }),
  conversation('records that nobody has encrypted', random => {
    const stray = raw(pick(random, records(random)))
    const steps = [write(get), stray, write(get)]
    return { alpn: ['http/1.1'], steps: [...mutate(random, steps), ...pick(random, endings)] }
  }),
  conversation('a handshake and nothing, or hardly anything, after it', random => ({
    alpn: pick(random, [['h2'], ['http/1.1'], [], ['h2', 'http/1.1']]),
    steps: pick(random, [
      ...[
        [],
        [reset],
        [halfClose],
        [pause(), reset],
        [write('\r\n'), reset],
        [raw(closeNotify), wait()],
        [halfClose, reset],
      ],
      ...[
        [raw('\x15\x03\x03\x00\x02\x01\x00'), write(get)],
        [write('P'), pause(30)],
        [write('G'), halfClose, wait()],
      ],
    ]),
  })),
  conversation('new handshakes on a connection of TLS 1.2', random => {
    const again: Step[] = Array.from({ length: integer(random, 1, 5) }, () => ({ kind: 'renegotiate' }))
    const steps = [write(get), ...again, write(get), ...pick(random, endings)]
    return { alpn: ['http/1.1'], tls: { maxVersion: 'TLSv1.2' }, steps }
  }),
]
