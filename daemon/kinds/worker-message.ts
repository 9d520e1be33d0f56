/**
 * Parses and checks what a worker writes. A worker runs other people's code, perhaps with fewer rights: nothing it
 * writes is trusted, and a line that is no message is dropped, never an error.
 */
import { longestText } from '../../worker/protocol/frame.ts'
import {
  type BootFailure,
  bootFailures,
  type FromWorker,
  type LogLevel,
  logLevels,
} from '../../worker/protocol/messages.ts'
import { printable } from '../logs/log-line.ts'

/** Undefined for anything that is no message of a worker. */
export function readMessage(json: string): FromWorker | undefined {
  const fields = parse(json)
  if (typeof fields !== 'object' || fields === null) return undefined
  const { type, level, why, message, binds, stack } = fields as Readonly<Record<string, unknown>>
  switch (type) {
    case 'booting':
    case 'ready':
      return { type }
    case 'leaving':
    case 'recycle':
      return isText(why) ? { type, why: oneLine(why) } : undefined
    case 'crashed':
      if (!isText(why)) return undefined
      return { type, why: oneLine(why), ...(isText(stack) ? { stack: printable(stack) } : {}) }
    case 'listens':
      return isText(message) && areBinds(binds) ? { type, message: printable(message), binds } : undefined
    case 'failed':
      if (!isFailure(why) || !isText(message)) return undefined
      return { type, why, message: printable(message), ...(areBinds(binds) ? { binds } : {}) }
    case 'metrics':
      return areMetrics(fields) ? fields : undefined
    case 'log':
      return isLevel(level) && isText(message) ? { type, level, message: printable(message) } : undefined
    default:
      return undefined
  }
}

function areMetrics(fields: object): fields is Extract<FromWorker, { type: 'metrics' }> {
  const { turn, families, isLast } = fields as Readonly<Record<string, unknown>>
  return typeof turn === 'number' && typeof isLast === 'boolean' && Array.isArray(families)
}

function parse(json: string): unknown {
  // A cheap check that rejects most lines that are no messages.
  if (json[0] !== '{') return undefined
  try {
    return JSON.parse(json)
  } catch {
    // Whatever the error, it is no message.
    return undefined
  }
}

/** A text that the worker truncated has a few more characters, which say so. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= longestText + 100
}

function isLevel(value: unknown): value is LogLevel {
  return logLevels.some(level => level === value)
}

function isFailure(value: unknown): value is BootFailure {
  return bootFailures.some(failure => failure === value)
}

/** As many as a program may have, none longer than an address can be. */
function areBinds(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= 16 && value.every(text => isText(text) && text.length <= 256)
}

function oneLine(text: string): string {
  return printable(text).replaceAll('\n', ' ')
}
