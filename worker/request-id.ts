/** `request_id_header`: one name for a request, in every log that it leaves a trace in. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { RequestListener } from './adapters/adapter.ts'
import type { Trust } from './trust.ts'

/** Visible ASCII, and not too long for a line of a log. */
const sane = /^[!-~]{1,128}$/

/**
 * Gives each request an id before the listener sees it: the one that it came with, where its peer is trusted and the id
 * is of sane form, else a new one. The request and the response carry it in the header of this name.
 */
export function withRequestId(listener: RequestListener, header: string, trusts: Trust): RequestListener {
  const name = header.toLowerCase()
  return (req, res) => {
    const given = req.headers[name]
    const isKept = typeof given === 'string' && sane.test(given) && trusts(req.socket.remoteAddress)
    const id = isKept ? given : randomUUID()
    if (!isKept) setHeader(req, name, id)
    res.setHeader(header, id)
    listener(req, res)
  }
}

/** In both forms that an app may read: a Request is made of the raw one. */
function setHeader(req: IncomingMessage, name: string, value: string): void {
  req.headers[name] = value
  const { rawHeaders } = req
  for (let i = rawHeaders.length - 2; i >= 0; i -= 2) {
    if (rawHeaders[i]!.toLowerCase() === name) rawHeaders.splice(i, 2)
  }
  rawHeaders.push(name, value)
}
