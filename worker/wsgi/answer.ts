/** What Python says becomes the response. */
import { type ServerResponse, STATUS_CODES } from 'node:http'
import { respondWithError } from '../http/error-handler.ts'
import { reject } from '../http/rejection.ts'
import { markTimedOut } from '../http/request-timeout.ts'
import { abort, isClientGone, streamOf } from '../http/response.ts'

/** How much of an answer may wait here for a slow client, in bytes, before the thread that makes it has to wait. */
const bufferLimit = 1_048_576

/** Throws what Node has against the head. */
export function writeHead(res: ServerResponse, head: string): void {
  const [status = '', ...fields] = head.split('\0')
  const code = Number(status.slice(0, 3))
  if (streamOf(res) === undefined) return void res.writeHead(code, status.slice(4), fields)
  // With a list, only the last of several fields of one name would be sent, and there is no reason phrase.
  for (let n = 0; n < fields.length; n += 2) res.appendHeader(fields[n] as string, fields[n + 1] as string)
  res.writeHead(code)
}

/** False when the client has enough to read: wait for `drain`. `sent` is called when the piece is not needed any more. */
export function writePiece(res: ServerResponse, piece: Buffer, sent?: () => void): boolean {
  res.write(piece, onSuccess(sent))
  return res.writableLength <= bufferLimit
}

/** Node sends a short text together with the head, and bytes as a piece of their own. */
const shortBytes = 4_096

export function endWith(res: ServerResponse, part: Buffer | undefined, sent?: () => void): void {
  if (part === undefined) res.end()
  else if (part.length > shortBytes || streamOf(res) !== undefined) res.end(part, onSuccess(sent))
  else res.end(part.toString('latin1'), 'latin1')
}

/** A write that failed may still be under way in the kernel. */
function onSuccess(call: (() => void) | undefined): ((error?: Error | null) => void) | undefined {
  return call && (error => error || call())
}

/** 103, as far as the protocol has it; what Node has against the headers is no reason to fail. */
export function writeHints(res: ServerResponse, head: Buffer): void {
  if (res.headersSent || isClientGone(res) || res.req.httpVersion === '1.0') return
  const parts = head.toString('latin1').split('\0')
  const hints: Record<string, string | string[]> = {}
  for (let n = 0; n < parts.length; n += 2) {
    const name = (parts[n] as string).toLowerCase()
    hints[name] = [...(hints[name] ?? []), parts[n + 1] as string]
  }
  if (hints.link === undefined) return
  try {
    res.writeEarlyHints(hints)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
  }
}

/** Cuts an answer that stays incomplete, after what there is of it. */
export function cut(res: ServerResponse): void {
  const { socket } = res
  if (streamOf(res) !== undefined || socket === null) return abort(res)
  // Node 26 collects pieces until the end of the turn, and sends them in this queue.
  process.nextTick(() => socket.destroySoon())
}

/** Answers with an error of the server, or cuts the answer that has begun. */
export function fail(res: ServerResponse, status: number, idHeader: string | undefined): void {
  if (isClientGone(res) || res.writableEnded) return
  if (res.headersSent) return cut(res)
  if (status === 500) return respondWithError(res, idHeader)
  const text = `${STATUS_CODES[status]}\n`
  res.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': text.length })
  res.end(text)
}

/** Answers that the request took too long (408: its body did not arrive), or cuts the answer that has begun. */
export function failLate(res: ServerResponse, status: 408 | 503 | 504): void {
  const isAnswered = !res.headersSent && !isClientGone(res)
  if (isAnswered) markTimedOut(res)
  if (isAnswered && status === 408) reject(res.req, res, status)
  else fail(res, status, undefined)
}
