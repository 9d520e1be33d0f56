/** Conversations of HTTP/2, with prior knowledge or by ALPN, and where nobody has agreed on it. */
import type { Conversation, Target } from '../../conversation.ts'
import { chance, integer, pick, type Random } from '../../random.ts'
import { type Damage, damage, mutate, resegment } from '../mutation.ts'
import { conversation } from '../player.ts'
import {
  destroy,
  halfClose,
  pause,
  reset as resetConnection,
  type Script,
  type Step,
  stopReading,
  wait,
  write,
} from '../step.ts'
import {
  acknowledgement,
  data,
  flags,
  frame,
  headers,
  opening,
  ping,
  preface,
  reset,
  setting,
  settings,
  types,
  window,
} from './frame.ts'
import { block, bomb, literal, requestBlock } from './header-block.ts'
import { exchange, type Frames, states, stray } from './stream.ts'

const endings: readonly (readonly Step[])[] = [
  ...[
    [wait()],
    [wait()],
    [wait(), wait(60)],
    [pause()],
    [resetConnection],
    [pause(), resetConnection],
    [destroy],
  ],
  ...[
    [halfClose, wait()],
    [stopReading, pause(50), resetConnection],
    [wait(), resetConnection],
  ],
]

/** Frames that wait for answers, or not: above all, everything in one segment with the preface. */
function script(random: Random, frames: Frames, inBytes?: Damage): Script {
  const steps = frames.flatMap((bytes, n) => [
    write(bytes),
    ...(n > 0 && chance(random, 0.15) ? [pick(random, [wait(50), pause()])] : []),
  ])
  const all = inBytes === undefined ? resegment(random, steps) : mutate(random, steps, inBytes)
  return { alpn: alpnOfHttp2(random), steps: [...all, ...pick(random, endings)] }
}

function alpnOfHttp2(random: Random): readonly string[] {
  return chance(random, 0.9)
    ? ['h2']
    : pick(random, [['http/1.1'], [], ['h2', 'http/1.1'], ['http/1.1', 'h2'], ['h2c']])
}

/** The length, type, flags, stream or payload of a frame becomes another; or its bytes are damaged anyhow. */
const inFrame: Damage = (random, bytes) => {
  if (bytes.length < 9 || chance(random, 0.3)) return damage(random, bytes)
  const copy = Buffer.from(bytes)
  const place = pick(random, [0, 1, 2, 3, 4, 5, 6, 7, 8, integer(random, 0, copy.length - 1)])
  copy.writeUInt8(integer(random, 0, 255), place)
  return copy
}

const shuffled = (random: Random, frames: Frames) =>
  frames
    .map(one => [random(), one] as const)
    .sort(([a], [b]) => a - b)
    .map(([, one]) => one)

/** Frames of several streams in turn, each stream's in their order. */
function interleaved(random: Random, streams: readonly Frames[]): Frames {
  const left = streams.map(frames => [...frames])
  const all: Buffer[] = []
  while (left.some(({ length }) => length > 0)) all.push(...pick(random, left).splice(0, 1))
  return all
}

const odds = (count: number) => Array.from({ length: count }, (_, n) => 2 * n + 1)
const begin = (random: Random): Frames =>
  chance(random, 0.8)
    ? opening
    : [
        preface,
        settings(setting(4, pick(random, [0, 1, 65_535, 2 ** 31 - 1])), setting(2, 0)),
        acknowledgement,
      ]

export const http2Conversations: readonly Conversation[] = [
  conversation('streams whose frames are damaged', random => {
    const streams = odds(integer(random, 1, 6)).map(stream => exchange(random, stream))
    return script(random, [...begin(random), ...interleaved(random, streams)], inFrame)
  }),
  conversation('streams with odd heads', random => {
    const streams = odds(integer(random, 1, 6)).map(stream => exchange(random, stream, 0.15))
    return script(random, [...begin(random), ...interleaved(random, streams)])
  }),
  conversation('any frame in any state of a stream', random => {
    const frames = odds(integer(random, 1, 4)).flatMap(stream => {
      const strays = Array.from({ length: integer(random, 1, 3) }, () => stray(random, stream))
      return [...pick(random, Object.values(states))(stream), ...strays]
    })
    return script(random, [...begin(random), ...frames])
  }),
  conversation('frames in no order', random => {
    const frames = odds(integer(random, 1, 4)).flatMap(stream => [
      ...exchange(random, stream),
      stray(random, stream),
    ])
    return script(random, [...begin(random), ...shuffled(random, frames)])
  }),
  conversation('requests that expect, and what ends them', random => {
    const frames = odds(integer(random, 1, 4)).flatMap(stream => {
      const value = pick(random, [
        '100-continue',
        '100-continue',
        '100-Continue',
        'wonders',
        '100-continue, x',
        '',
      ])
      const head = block({
        method: pick(random, ['POST', 'GET', 'CONNECT', 'HEAD']),
        fields: [['expect', value]],
      })
      const isLast = chance(random, 0.4)
      return [headers(stream, head, isLast), ...pick(random, [[], [stray(random, stream)], [reset(stream)]])]
    })
    return script(random, [...begin(random), ...frames, ...pick(random, [[], [stray(random, 1)]])])
  }),
  conversation('a flood of frames', random => script(random, [...opening, ...flood(random)])),
  conversation('a body beyond the window, or behind an early answer', random => {
    const path = pick(random, ['/early', '/echo', '/ignore', '/throw', '/'])
    const length = chance(random, 0.3)
      ? ([['content-length', pick(random, ['1', '100', '1000000'])]] as const)
      : []
    const body = Array.from({ length: integer(random, 1, 12) }, () => data(1, Buffer.alloc(16_384), false))
    const last = pick(random, [
      data(1, Buffer.alloc(0), true),
      reset(1),
      headers(1, literal('x-a', '1'), true),
      window(1, 0),
    ])
    const head = headers(1, block({ method: 'POST', path, fields: length }), false)
    return script(random, [...opening, head, ...body, last, headers(3, block(), true)])
  }),
  conversation('answers over HTTP/2 that nobody takes', random => {
    const tiny = settings(setting(4, pick(random, [0, 1, 100])))
    const asked = odds(integer(random, 1, 20)).map(stream =>
      headers(stream, block({ path: pick(random, ['/large', '/stream']) }), true),
    )
    const change = pick(random, [
      settings(setting(4, 2 ** 31 - 1)),
      window(1, 2 ** 31 - 1),
      reset(1),
      settings(setting(5, 16_777_215)),
    ])
    return script(random, [preface, tiny, acknowledgement, ...asked, change])
  }),
  conversation('a body, and a reset in the middle of its answer', random => {
    const path = pick(random, ['/large', '/stream', '/echo', '/'])
    const wide = Buffer.concat([
      preface,
      settings(setting(4, 2 ** 31 - 1)),
      acknowledgement,
      window(0, 2 ** 30),
    ])
    const pieces = Array.from({ length: integer(random, 2, 60) }, () =>
      data(1, Buffer.alloc(integer(random, 1, 1_000)), false),
    )
    const head = headers(1, block({ method: 'POST', path }), false)
    const begin = write(Buffer.concat([wide, head, ...pieces]))
    return { alpn: ['h2'], steps: [stopReading, begin, pause(integer(random, 0, 4)), resetConnection] }
  }),
  conversation('a preface that is none', random => {
    const wrong = pick(random, [
      damage(random, preface),
      preface.subarray(0, integer(random, 0, preface.length)),
      Buffer.concat([preface, preface]),
      Buffer.concat([preface, Buffer.from('GET / HTTP/1.1\r\nHost: test\r\n\r\n')]),
    ])
    const frames = pick(random, [[], [settings()], [headers(1, block(), true)], [ping(), settings()]])
    return script(random, [wrong, ...frames])
  }),
  conversation('HTTP/2 where HTTP/1.1 was agreed on, and the other way round', random => {
    const isMessage = chance(random, 0.5)
    const frames = [...opening, headers(1, requestBlock(random, 0), true)]
    const text = Buffer.from('GET / HTTP/1.1\r\nHost: test\r\n\r\n')
    return { ...script(random, isMessage ? [text, text] : frames), alpn: isMessage ? ['h2'] : ['http/1.1'] }
  }),
  conversation('HTTP/2 by an upgrade of HTTP/1.1', (random, _target: Target) => {
    const upgrade =
      'GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n'
    return script(
      random,
      [Buffer.from(upgrade), ...opening, headers(3, block(), true)],
      chance(random, 0.5) ? inFrame : undefined,
    )
  }),
]

/** Bounded: what is to be survived here is the kind, not the amount. */
function flood(random: Random): Frames {
  const times = integer(random, 20, 300)
  const many = (make: (n: number) => Frames) => Array.from({ length: times }, (_, n) => make(n)).flat()
  return pick(random, [
    () => many(() => [ping()]),
    () => many(() => [settings(setting(4, 65_535))]),
    () => many(n => [headers(2 * n + 1, block(), true), reset(2 * n + 1)]),
    () =>
      many(n => [headers(2 * n + 1, block({ method: 'POST', path: '/echo' }), false), window(2 * n + 1, 0)]),
    () => many(n => [headers(2 * n + 1, block({ path: '/slow' }), true)]),
    () => [
      frame(types.headers, flags.endStream, 1, block()),
      ...many(() => [frame(types.continuation, 0, 1, literal('x-a', 'b'))]),
    ],
    () => [frame(types.headers, 0, 1, block()), ...many(() => [frame(types.continuation, 0, 1)])],
    () => [
      headers(1, block({ method: 'POST', path: '/echo' }), false),
      ...many(() => [data(1, Buffer.alloc(0), false)]),
    ],
    () => many(n => [frame(types.priority, 0, 2 * n + 1, Buffer.of(0, 0, 0, 0, n & 0xff))]),
    () => many(() => [frame(0x50, 0, 0, Buffer.alloc(10))]),
    () => many(n => [headers(2 * n + 1, bomb(random), true)]).slice(0, 10),
    () => [headers(1, block({ path: '/stream' }), true), ...many(() => [window(1, 1), window(0, 1)])],
  ])()
}
