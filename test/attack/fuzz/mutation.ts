/** What is done to a valid conversation, so that it is no longer one. */
import { chance, integer, pick, type Random } from '../random.ts'
import { destroy, halfClose, pause, reset, resume, type Step, stopReading, wait } from './step.ts'

export type Damage = (random: Random, bytes: Buffer) => Buffer

/** One of these ways to damage bytes. */
export const damages: readonly Damage[] = [
  (random, bytes) => bytes.subarray(0, integer(random, 0, bytes.length)),
  (random, bytes) => bytes.subarray(integer(random, 0, bytes.length)),
  function flip(random, bytes) {
    const copy = Buffer.from(bytes)
    for (let n = integer(random, 1, 4); n > 0; n -= 1) {
      const place = integer(random, 0, copy.length - 1)
      copy.writeUInt8((copy[place] as number) ^ (1 << integer(random, 0, 7)), place)
    }
    return copy
  },
  function repeat(random, bytes) {
    const [from, to] = range(random, bytes)
    return splice(bytes, to, to, bytes.subarray(from, to))
  },
  function cutOut(random, bytes) {
    return splice(bytes, ...range(random, bytes), Buffer.alloc(0))
  },
  function swap(random, bytes) {
    const [first, second] = [integer(random, 0, bytes.length), integer(random, 0, bytes.length)]
    const [from, to] = [Math.min(first, second), Math.max(first, second)]
    const middle = integer(random, from, to)
    return splice(bytes, from, to, Buffer.concat([bytes.subarray(middle, to), bytes.subarray(from, middle)]))
  },
  function insert(random, bytes) {
    const place = integer(random, 0, bytes.length)
    return splice(bytes, place, place, Buffer.from(pick(random, intruders), 'latin1'))
  },
  function renumber(random, bytes) {
    const numbers = Array.from(bytes.toString('latin1').matchAll(/\d+/g))
    if (numbers.length === 0) return bytes
    const { index, 0: digits } = pick(random, numbers)
    return splice(bytes, index, index + digits.length, Buffer.from(pick(random, extremes)))
  },
]

const intruders = [
  ...[
    '\r',
    '\n',
    '\r\n',
    '\r\n\r\n',
    '\n\n',
    '\0',
    '\x80\xff',
    '\t',
    ' ',
    '\x0b',
    ':',
    ';',
    ',',
    '%00',
    '\x7f',
  ],
  ...['\r\n ', '\r\nContent-Length: 3\r\n', '\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n', '\ufeff'],
]

export const extremes: readonly string[] = [
  ...[
    '0',
    '00',
    '-1',
    '+1',
    '1e3',
    '0x10',
    '7fffffff',
    '2147483648',
    '4294967295',
    '4294967296',
    '9007199254740993',
  ],
  ...[
    '18446744073709551615',
    '18446744073709551616',
    'ffffffffffffffff',
    '99999999999999999999999',
    '',
    ' ',
    '1,1',
    '1, 2',
  ],
]

export function damage(random: Random, bytes: Buffer): Buffer {
  return bytes.length === 0 ? bytes : pick(random, damages)(random, bytes)
}

function range(random: Random, bytes: Buffer): [number, number] {
  const from = integer(random, 0, bytes.length)
  return [from, Math.min(bytes.length, from + integer(random, 1, 64))]
}

function splice(bytes: Buffer, from: number, to: number, middle: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, from), middle, bytes.subarray(to)])
}

/** What can happen at any moment of a conversation. */
const events: readonly Step[] = [
  halfClose,
  reset,
  reset,
  destroy,
  stopReading,
  resume,
  pause(),
  pause(20),
  wait(),
]

/** Damages some of what is written, drops, repeats and swaps steps, and lets something happen between any two of them. */
export function mutate(random: Random, steps: readonly Step[], inBytes: Damage = damage): Step[] {
  const mutated = [...steps]
  for (let n = integer(random, 0, 2); n > 0 && mutated.length > 0; n -= 1) {
    const place = integer(random, 0, mutated.length - 1)
    const step = mutated[place] as Step
    if (step.kind === 'write' && chance(random, 0.7))
      mutated[place] = { ...step, bytes: inBytes(random, step.bytes) }
    else if (chance(random, 0.3)) mutated.splice(place, 1)
    else if (chance(random, 0.5)) mutated.splice(place, 0, step)
    else mutated.splice(integer(random, 0, mutated.length - 1), 0, ...mutated.splice(place, 1))
  }
  for (let n = integer(random, 0, 2); n > 0; n -= 1)
    mutated.splice(integer(random, 0, mutated.length), 0, pick(random, events))
  return resegment(random, mutated)
}

/** The same bytes in other segments: as they are, all in one, byte by byte, or anyhow. */
export function resegment(random: Random, steps: readonly Step[]): Step[] {
  const way = pick(random, [
    'as it is',
    'joined',
    'joined',
    'without waiting',
    'in pieces',
    'byte by byte',
  ] as const)
  switch (way) {
    case 'as it is':
      return [...steps]
    case 'joined':
      return join(steps.filter(isNoRest))
    case 'without waiting':
      return steps.filter(isNoRest)
    case 'in pieces':
    case 'byte by byte':
      return steps.flatMap(step => {
        if (step.kind !== 'write') return [step]
        const most = way === 'in pieces' ? Math.max(2, Math.ceil(step.bytes.length / 3)) : 1
        return split(random, step.bytes, most).flatMap(bytes => [{ ...step, bytes }, pause()])
      })
  }
}

function isNoRest({ kind }: Step): boolean {
  return kind !== 'wait' && kind !== 'pause'
}

/** One write of those that follow each other. */
export function join(steps: readonly Step[]): Step[] {
  const joined: Step[] = []
  for (const step of steps) {
    const last = joined.at(-1)
    if (step.kind === 'write' && last?.kind === 'write')
      joined[joined.length - 1] = { ...last, bytes: Buffer.concat([last.bytes, step.bytes]) }
    else joined.push(step)
  }
  return joined
}

/** Beyond so many segments, the rest is one. */
const mostPieces = 80

function split(random: Random, bytes: Buffer, most: number): Buffer[] {
  const pieces: Buffer[] = []
  let at = 0
  while (at < bytes.length && pieces.length < mostPieces) {
    const size = integer(random, 1, most)
    pieces.push(bytes.subarray(at, at + size))
    at += size
  }
  return at < bytes.length ? [...pieces, bytes.subarray(at)] : pieces
}
