/**
 * Asks a stuck worker where it stands: its watchdog thread pauses the JavaScript and reports the stack, mapped to the
 * sources by Node itself, and the open requests.
 */
import type { Duplex } from 'node:stream'
import type { OpenRequest } from '../../hooks/table.ts'
import { printable } from '../logs/log-line.ts'

/** The report of a stuck worker. */
export interface StackReport {
  /** The JavaScript stack, innermost first, as lines that begin with `at`. */
  readonly stack: readonly string[]
  readonly requests: readonly OpenRequest[]
  /** Which thread it is, in a worker with several. */
  readonly thread?: number
}

/** The report, or why there is none; neither if the worker was not asked. */
interface CapturedStack {
  readonly report?: StackReport
  readonly failure?: string
}

/** How long a worker may take to answer before it counts as stuck in native code, in milliseconds. */
const limitMs = 5_000

/** Running JavaScript, even an endless loop, answers. */
const inNativeCode = 'it is stuck in native code, or stopped, or waits and runs nothing'

/** How long an answer may be, in characters, and how much of it is used. */
const longestAnswer = 256 * 1024
const mostFrames = 50
const mostRequests = 100
const longestText = 2_048

/** `channel` leads to the watchdog thread, if there is one. */
export async function captureStack(channel: Duplex | undefined): Promise<CapturedStack> {
  if (channel === undefined) return {}
  try {
    return { report: parseReport(await ask(channel)) }
  } catch (error) {
    return { failure: (error as Error).message }
  }
}

/** Continues a log line with further lines, or with nothing. */
export function describeStack({ report, failure }: CapturedStack): string {
  if (failure !== undefined) return `\nIts JavaScript stack cannot be read: ${failure}`
  if (report === undefined) return ''
  const { stack, requests, thread } = report
  const [it, its] = thread === undefined ? ['It', 'Its'] : [`Thread ${thread}`, `In thread ${thread}, its`]
  const where =
    stack.length === 0
      ? [`${its} stack has no JavaScript of the app`]
      : [`${it} stands`, ...stack.map(indent)]
  const what =
    requests.length === 0 ? [] : ['Requests not answered', ...requests.map(describeRequest).map(indent)]
  return ['', ...where, ...what].join('\n')
}

function describeRequest({ method, path, client, age }: OpenRequest): string {
  return `${method} ${path} from ${client || 'a unix socket'} for ${age.toFixed(1)} s`
}

function indent(line: string): string {
  return `    ${line}`
}

function ask(channel: Duplex): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const settle = (action: () => void) => {
      clearTimeout(timer)
      channel.off('data', hear).off('close', end).resume()
      action()
    }
    const end = () => settle(() => reject(new Error('it ended meanwhile')))
    const hear = (part: Buffer) => {
      text += part.toString('latin1')
      const length = text.indexOf('\n')
      if (length >= 0) settle(() => resolve(Buffer.from(text.slice(0, length), 'latin1').toString()))
      else if (text.length > longestAnswer) settle(() => reject(new Error('its answer makes no sense')))
    }
    const timer = setTimeout(() => settle(() => reject(new Error(inNativeCode))), limitMs)
    channel.on('data', hear).once('close', end)
    channel.write('?\n')
  })
}

/** The app runs in the worker, so its answer cannot be trusted. */
function parseReport(text: string): StackReport {
  try {
    const { stack, requests, thread } = JSON.parse(text) as Readonly<Record<string, unknown>>
    return {
      stack: framesOf(String(stack ?? '')),
      requests: Array.isArray(requests) ? requests.slice(0, mostRequests).filter(isRequest).map(shorten) : [],
      ...(Number.isSafeInteger(thread) ? { thread: thread as number } : {}),
    }
  } catch (error) {
    throw new Error('its answer makes no sense', { cause: error })
  }
}

/** The frames of the user's code, without those of the watchdog's question and of Node itself. */
function framesOf(stack: string): string[] {
  const frames = stack.split('\n').map(line => printable(line.trim()).slice(0, longestText))
  return frames
    .filter(frame => frame.startsWith('at ') && !frame.includes('<anonymous>:') && !/\(node:/.test(frame))
    .slice(0, mostFrames)
}

function isRequest(value: unknown): value is OpenRequest {
  const { method, path, client, age } = Object(value) as Partial<OpenRequest>
  return [method, path, client].every(text => typeof text === 'string') && typeof age === 'number'
}

function shorten({ method, path, client, age }: OpenRequest): OpenRequest {
  const [a, b, c] = [method, path, client].map(text => text.replace(/\p{Cc}/gu, ' ').slice(0, longestText))
  return { method: a as string, path: b as string, client: c as string, age }
}
