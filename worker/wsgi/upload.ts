/** The body of a request on its way to Python: collected where it is small, else sent when the app reads it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isClientGone, streamOf } from '../http/response.ts'
import { isHttp2Request } from '../http/validation.ts'
import { abortFrame, dataFrame, endFrame } from '../python/frame.ts'
import type { ThreadChannel } from './channel.ts'
import type { Job, Upload } from './job.ts'

/** Bodies up to this size, in bytes, are complete before Python hears of them: a slow client keeps no thread. */
const collectLimit = 65_536

/** How much of a body is sent before the app has to ask again, in bytes; as in `host.py`. */
const windowBytes = 1_048_576

/** Undefined for a body that is to be sent when it is read. */
export type OnBody = (whole: Buffer | undefined, early?: readonly Buffer[]) => void

const empty = Buffer.alloc(0)

export function receiveBody(req: IncomingMessage, res: ServerResponse, onBody: OnBody): void {
  const { headers } = req
  const length = headers['content-length']
  if (hasNoBody(req, res)) return onBody(empty)
  // A client that waits for 100 is asked for its body when the app wants it.
  if (headers.expect !== undefined || Number(length) > collectLimit) return onBody(undefined)
  const chunks: Buffer[] = []
  let size = 0
  const onData = (chunk: Buffer) => {
    chunks.push(chunk)
    size += chunk.length
    if (size <= collectLimit) return
    stop()
    req.pause()
    onBody(undefined, chunks)
  }
  const onEnd = () => {
    stop()
    onBody(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))
  }
  const stop = () => {
    req.off('data', onData)
    req.off('end', onEnd)
  }
  req.on('data', onData)
  req.on('end', onEnd)
}

function hasNoBody(req: IncomingMessage, res: ServerResponse): boolean {
  if (isHttp2Request(req)) return streamOf(res)?.endAfterHeaders === true
  return req.headers['transfer-encoding'] === undefined && Number(req.headers['content-length'] ?? 0) === 0
}

/** Call when the thread asks for the first time. */
export function startUpload(job: Job, channel: ThreadChannel): Upload {
  const { req, res, number } = job
  let credit = 0
  let isOver = false
  let isBlocked = false
  let heardAt = performance.now()
  const tell = (kind: number) => {
    if (isOver) return
    isOver = true
    channel.tell(kind, number)
  }
  const flow = () => {
    if (isOver) return
    if (credit > 0 && !isBlocked) req.resume()
    else req.pause()
  }
  const onData = (chunk: Buffer) => {
    heardAt = performance.now()
    if (isOver) return
    credit -= chunk.length
    if (!channel.tell(dataFrame, number, chunk)) {
      isBlocked = true
      channel.drained(() => {
        isBlocked = false
        flow()
      })
    }
    flow()
  }
  // The client may have left while the request waited for a thread: then the request emits nothing any more.
  if (job.isGone || req.destroyed || isClientGone(res)) tell(abortFrame)
  else {
    for (const chunk of job.early) onData(chunk)
    req.on('data', onData)
    req.on('end', () => tell(endFrame))
    // Even if the request has arrived: what was not read of it is lost with the connection.
    req.on('close', () => tell(abortFrame))
  }
  return {
    pull() {
      credit += windowBytes
      flow()
    },
    stop(kind) {
      tell(kind)
      req.off('data', onData)
      req.resume()
    },
    get isAwaited() {
      return !isOver && credit > 0 && !isBlocked
    },
    get heardAt() {
      return heardAt
    },
  }
}
