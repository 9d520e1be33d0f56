/** `request_id_header`: one name for a request, in every log that it leaves a trace in. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { RequestListener, UpgradeListener } from '../http/types.ts'
import type { Trust } from '../net/trusted-peers.ts'

/** Visible ASCII, and not too long for a line of a log. */
const validId = /^[!-~]{1,128}$/

/** Gives requests their ids before a listener sees them. */
export interface RequestIds {
  request(listener: RequestListener): RequestListener
  upgrade(listener: UpgradeListener): UpgradeListener
}

/**
 * An id is the one that the request came with, where its peer is trusted and the id is of sane form, else a new one. The
 * request and its response carry it in the header of this name; the answer to an upgrade is the app's to write.
 */
export function createRequestIds(header: string, trusts: Trust): RequestIds {
  const name = header.toLowerCase()
  const identify = (req: IncomingMessage): string => {
    const given = req.headers[name]
    if (typeof given === 'string' && validId.test(given) && trusts(req.socket)) return given
    const id = randomUUID()
    setHeader(req, name, id)
    return id
  }
  return {
    request: listener => (req, res) => {
      res.setHeader(header, identify(req))
      return listener(req, res)
    },
    upgrade: listener => (req, socket, head) => {
      identify(req)
      return listener(req, socket, head)
    },
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
