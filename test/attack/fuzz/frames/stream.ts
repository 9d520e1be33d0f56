/** Frames that belong to a state of a stream, and those that do not: which comes when is left to chance. */
import { chance, integer, pick, type Random } from '../../random.ts'
import {
  data,
  flags,
  frame,
  goaway,
  headers,
  ping,
  reset,
  setting,
  settings,
  types,
  u32,
  window,
} from './frame.ts'
import { block, bomb, literal, requestBlock } from './header-block.ts'

/** Frames that go out together. */
export type Frames = readonly Buffer[]

/** A request as a client that means well sends it; the stream ends, unless it is cut, in the last frame. */
export function exchange(random: Random, stream: number, oddness = 0): Frames {
  const head = requestBlock(random, oddness)
  const hasBody = chance(random, 0.5)
  const hasTrailers = hasBody && chance(random, 0.2)
  const sizes = Array.from({ length: hasBody ? integer(random, 0, 4) : 0 }, () =>
    pick(random, [0, 5, 1_000, 16_384]),
  )
  const body = sizes.map((size, n) =>
    data(stream, Buffer.alloc(size, 0x61), !hasTrailers && n === sizes.length - 1),
  )
  const trailers = hasTrailers ? [headers(stream, trailerBlock(random), chance(random, 0.9))] : []
  const all = [...headFrames(random, stream, head, !hasBody), ...body, ...trailers]
  if (hasBody && sizes.length === 0 && !hasTrailers && chance(random, 0.8))
    all.push(data(stream, Buffer.alloc(0), true))
  return all
}

function trailerBlock(random: Random): Buffer {
  return pick(random, [
    literal('x-sum', '1'),
    literal('x-sum', '1', 'incremental'),
    literal('host', 'other'),
    literal('content-length', '5'),
    literal(':path', '/'),
    literal('x_a', '1'),
    literal('x-a', 'a'.repeat(9_000)),
    Buffer.alloc(0),
  ])
}

/** In one frame or in several, padded or not, with a priority or without. */
function headFrames(random: Random, stream: number, head: Buffer, isLast: boolean): Frames {
  const end = isLast ? flags.endStream : 0
  const way = pick(random, ['one', 'one', 'several', 'padded', 'priority'] as const)
  if (way === 'one') return [headers(stream, head, isLast)]
  if (way === 'padded') {
    const padding = pick(random, [0, 1, 255])
    const payload = Buffer.concat([Buffer.of(padding), head, Buffer.alloc(padding)])
    return [frame(types.headers, flags.endHeaders | flags.padded | end, stream, payload)]
  }
  if (way === 'priority') {
    const payload = Buffer.concat([u32(pick(random, [0, stream, 0x80000001, 99])), Buffer.of(255), head])
    return [frame(types.headers, flags.endHeaders | flags.priority | end, stream, payload)]
  }
  const middle = integer(random, 0, head.length)
  return [
    frame(types.headers, end, stream, head.subarray(0, middle)),
    frame(types.continuation, 0, stream, head.subarray(middle, middle)),
    frame(types.continuation, flags.endHeaders, stream, head.subarray(middle)),
  ]
}

/** Brings a stream into one of the states of RFC 9113, section 5.1. */
export const states: Readonly<Record<string, (stream: number) => Frames>> = {
  idle: () => [],
  open: stream => [headers(stream, block({ method: 'POST', path: '/echo' }), false)],
  'open, with data': stream => [
    headers(stream, block({ method: 'POST', path: '/echo' }), false),
    data(stream, Buffer.from('x'), false),
  ],
  'open, with an expectation': stream => [
    headers(stream, block({ method: 'POST', fields: [['expect', '100-continue']] }), false),
  ],
  'open, answered early': stream => [headers(stream, block({ method: 'POST', path: '/early' }), false)],
  'half closed': stream => [headers(stream, block({ path: '/slow' }), true)],
  'half closed, answered at length': stream => [headers(stream, block({ path: '/large' }), true)],
  'closed by a reset': stream => [headers(stream, block(), true), reset(stream)],
  'in the middle of its head': stream => [frame(types.headers, 0, stream, block().subarray(0, 9))],
  'with half of a body': stream => [
    headers(stream, block({ method: 'POST', path: '/echo', fields: [['content-length', '10']] }), false),
    data(stream, Buffer.from('x'), false),
  ],
  upgraded: stream => [headers(stream, block({ method: 'CONNECT' }), false)],
}

/** Any frame with any flags and any length for this stream. */
export function stray(random: Random, stream: number): Buffer {
  const on = pick(random, [
    stream,
    stream,
    stream,
    0,
    stream + 2,
    stream + 1,
    0x7fffffff,
    0x80000000 + stream,
  ])
  return pick(random, strays)(random, on)
}

const numbers = [0, 1, 5, 0x7fffffff, 0x80000000, 0xffffffff, 0x10000, 16_383, 16_384, 16_777_216, 65_535]

const strays: readonly ((random: Random, stream: number) => Buffer)[] = [
  (random, stream) => {
    const payload = Buffer.from(
      Array.from({ length: pick(random, [0, 1, 4, 5, 8, 9, 40]) }, () => integer(random, 0, 255)),
    )
    const says = chance(random, 0.8) ? payload.length : pick(random, [0, 1, 16_384, 16_385, 0xffffff])
    return frame(
      pick(random, [...Object.values(types), 11, 0x50, 0xff]),
      integer(random, 0, 255),
      stream,
      payload,
      says,
    )
  },
  (random, stream) => headers(stream, requestBlock(random, 0.2), chance(random, 0.7)),
  (random, stream) => headers(stream, trailerBlock(random), chance(random, 0.7)),
  (random, stream) => headers(stream, bomb(random), true),
  (random, stream) =>
    data(stream, Buffer.alloc(pick(random, [0, 1, 16_384, 16_385, 70_000])), chance(random, 0.5)),
  (random, stream) =>
    frame(
      types.data,
      flags.padded,
      stream,
      Buffer.concat([Buffer.of(pick(random, [0, 2, 255])), Buffer.alloc(2)]),
    ),
  (random, stream) => reset(stream, pick(random, [0, 1, 8, 13, 99])),
  (_, stream) => reset(stream),
  (random, stream) => frame(types.reset, 0, stream, Buffer.alloc(pick(random, [0, 3, 5]))),
  (random, stream) => window(stream, pick(random, numbers)),
  (random, stream) => window(pick(random, [0, stream]), 0),
  (random, stream) => frame(types.window, 0, stream, Buffer.alloc(pick(random, [0, 3, 5]))),
  (random, stream) =>
    frame(types.priority, 0, stream, Buffer.concat([u32(pick(random, [stream, 0, 99])), Buffer.of(1)])),
  (_, stream) => frame(types.push, flags.endHeaders, stream, Buffer.concat([u32(2), block()])),
  (random, stream) => frame(types.continuation, pick(random, [0, flags.endHeaders]), stream, block()),
  random => settings(setting(pick(random, [1, 2, 3, 4, 5, 6, 8, 9, 0x99]), pick(random, numbers))),
  random =>
    settings(setting(1, pick(random, numbers)), setting(4, pick(random, numbers)), setting(5, 16_384)),
  random =>
    frame(
      types.settings,
      pick(random, [0, 1, 0xff]),
      pick(random, [0, 1]),
      Buffer.alloc(pick(random, [0, 5, 6, 7])),
    ),
  random => ping(pick(random, [0, 0, 1])),
  random => frame(types.ping, 0, pick(random, [0, 1]), Buffer.alloc(pick(random, [0, 6, 9]))),
  (random, stream) =>
    goaway(pick(random, [0, stream, 0x7fffffff]), pick(random, [0, 2, 11, 99]), pick(random, ['', 'bye'])),
]
