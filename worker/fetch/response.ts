/** Writes the Response of a fetch handler. */
import type { ServerResponse } from 'node:http'
import { isClientGone, isComplete } from '../http/response.ts'
import { type Plain, plainResponse } from './plain-response.ts'

/**
 * Writes a Response no faster than the client reads it; a body that is in memory is sent in one piece, with its length.
 *
 * @throws TypeError when the handler returned something else, and anything that the stream of the body throws
 */
export function sendResponse(response: Response, res: ServerResponse): Promise<void> | void {
  const plain = isObject(response) ? plainResponse(response) : undefined
  return plain === undefined ? sendNative(response, res) : sendPlain(plain, res)
}

async function sendNative(response: Response, res: ServerResponse): Promise<void> {
  if (!isResponse(response))
    throw new TypeError(`The fetch handler returned ${describe(response)}, not a Response`)
  const { body } = response
  // The handler may have responded through `outgoing` itself; then its Response is a formality.
  if (res.headersSent || isClientGone(res)) return body?.cancel()
  if (body === null) return sendWhole(response, res, undefined)
  if (res.req.method === 'HEAD') {
    writeHead(response, res, flatten(response.headers, res))
    res.end()
    return body.cancel()
  }
  const reader = body.getReader()
  res.once('close', () => {
    if (!isComplete(res)) reader.cancel().catch(ignoreLateFailure)
  })
  const first = await reader.read()
  if (first.done) return sendWhole(response, res, undefined)
  const second = reader.read()
  if (await endsInMemory(second)) return sendWhole(response, res, first.value)
  if (isClientGone(res)) return
  writeHead(response, res, flatten(response.headers, res))
  await write(res, first.value)
  for (let next = await second; !next.done; next = await reader.read()) await write(res, next.value)
  if (!isClientGone(res)) res.end()
}

/** Whether the stream ends before the event loop turns: then all of its bytes were in memory. */
async function endsInMemory(read: Promise<{ readonly done: boolean }>): Promise<boolean> {
  let ended = false
  // A failure is handled where the result is awaited.
  read.then(result => (ended = result.done), ignoreLateFailure)
  // A tick runs when all microtasks are done, and a stream from memory ends within microtasks.
  await new Promise<void>(resolve => process.nextTick(resolve))
  return ended
}

/** What is in memory is sent in one piece, with its length. */
function sendPlain({ status, headers, body }: Plain, res: ServerResponse): void {
  // The handler may have responded through `outgoing` itself; then its Response is a formality.
  if (res.headersSent || isClientGone(res)) return
  const { method, httpVersionMajor } = res.req
  const fields = httpVersionMajor === 1 ? [...headers] : withoutConnection(headers)
  if (method !== 'HEAD' && status !== 204 && status !== 304 && !hasLength(fields))
    fields.push('content-length', String(body === undefined ? 0 : Buffer.byteLength(body)))
  res.writeHead(status, fields)
  res.end(method === 'HEAD' ? undefined : body)
}

function hasLength(fields: readonly string[]): boolean {
  for (let i = 0; i < fields.length; i += 2)
    if (fields[i] === 'content-length' || fields[i] === 'transfer-encoding') return true
  return false
}

function withoutConnection(fields: readonly string[]): string[] {
  const kept: string[] = []
  for (let i = 0; i + 1 < fields.length; i += 2)
    if (!connectionHeaders.has(fields[i]!)) kept.push(fields[i]!, fields[i + 1]!)
  return kept
}

function sendWhole(response: Response, res: ServerResponse, body: Uint8Array | undefined): void {
  if (isClientGone(res)) return
  const { headers, status } = response
  const flat = flatten(headers, res)
  const hasLength =
    headers.has('content-length') || (headers.has('transfer-encoding') && res.req.httpVersionMajor === 1)
  const mayHaveLength = status !== 204 && status !== 304 && res.req.method !== 'HEAD'
  if (mayHaveLength && !hasLength)
    flat.push('content-length', String(body === undefined ? 0 : Buffer.byteLength(body)))
  writeHead(response, res, flat)
  res.end(body)
}

/** Alternating names and values, the fastest form that `writeHead` accepts; each Set-Cookie is a pair of its own. */
function flatten(headers: Headers, { req }: ServerResponse): string[] {
  const flat: string[] = []
  for (const [name, value] of headers) {
    if (req.httpVersionMajor === 1 || !connectionHeaders.has(name)) flat.push(name, value)
  }
  return flat
}

/** Headers that HTTP/2 does not have (RFC 9113, section 8.2.2); Node throws on some of them. */
const connectionHeaders = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

function writeHead({ status, statusText }: Response, res: ServerResponse, headers: string[]): void {
  // HTTP/2 has no reason phrase, and Node warns about one.
  if (statusText === '' || res.req.httpVersionMajor > 1) res.writeHead(status, headers)
  else res.writeHead(status, statusText, headers)
}

async function write(res: ServerResponse, chunk: Uint8Array): Promise<void> {
  if (isClientGone(res) || res.write(chunk)) return
  await new Promise<void>(resolve => {
    const proceed = () => {
      res.off('drain', proceed).off('close', proceed)
      resolve()
    }
    res.on('drain', proceed).on('close', proceed)
  })
}

function isResponse(value: unknown): value is Response {
  return isObject(value) && 'status' in value && 'headers' in value && 'body' in value
}

function describe(value: unknown): string {
  return isObject(value) ? `${value.constructor?.name ?? 'an object'}` : String(value)
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/** The client is gone: the failure concerns no one any more. */
function ignoreLateFailure(): void {
  return
}
