/** Globals that an app replaces, in the process that it shares with the worker. */
import { pick, type Random } from '../random.ts'

/** Functions that whoever shares the process is likely to call. */
const owners: readonly (readonly [string, object, readonly string[]])[] = [
  ['JSON', JSON, ['stringify', 'parse']],
  ['Date', Date, ['now']],
  ['Math', Math, ['max', 'min', 'random', 'round']],
  ['Object', Object, ['keys', 'entries', 'assign', 'fromEntries']],
  ['Array', Array, ['from', 'isArray']],
  ['Array.prototype', Array.prototype, ['push', 'map', 'filter', 'shift', 'join']],
  ['Map.prototype', Map.prototype, ['get', 'set', 'delete']],
  ['String.prototype', String.prototype, ['split', 'slice', 'toLowerCase']],
  ['Buffer', Buffer, ['concat', 'from', 'alloc']],
  ['performance', performance, ['now', 'eventLoopUtilization']],
  ['process', process, ['send', 'memoryUsage', 'uptime', 'exit', 'kill', 'cwd', 'hrtime', 'nextTick']],
  ['globalThis', globalThis, ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'queueMicrotask']],
  ['globalThis', globalThis, ['Date', 'Promise', 'Map', 'Error', 'AbortController', 'URL']],
  ['console', console, ['log', 'error', 'warn']],
]

function thrower(): never {
  throw new Error('replaced by the app')
}

function replaceSome(random: Random, replacement: unknown): void {
  const [, owner, names] = pick(random, owners)
  Object.defineProperty(owner, pick(random, names), {
    value: replacement,
    configurable: true,
    writable: true,
  })
}

export const globalMisdeeds: Readonly<Record<string, (random: Random) => void>> = {
  'a global that throws': random => replaceSome(random, thrower),
  'a global that does nothing': random => replaceSome(random, () => undefined),
  'a global that is gone': random => replaceSome(random, undefined),
  'a polluted prototype': random => {
    const name = pick(random, ['type', 'then', 'level', 'message', 'fd', 'code', 'signal', 'path', 'port'])
    Object.defineProperty(Object.prototype, name, { value: 'polluted', configurable: true, writable: true })
  },
  'events of its own': random => {
    const events: readonly (readonly [string, ...unknown[]])[] = [
      ['message', null],
      ['message', { type: 'drain' }],
      ['message', { type: 'quit' }],
      ['message', { type: 'renew' }],
      ['disconnect'],
      ['SIGTERM'],
      ['exit', 0],
      ['uncaughtExceptionMonitor', undefined],
    ]
    process.emit(...(pick(random, events) as unknown as ['exit', number]))
  },
}
