/** `request_id_header`: gives each request an id, to find it in all logs. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { RequestListener, UpgradeListener } from '../http/types.ts'
import type { Trust } from '../net/trusted-peers.ts'

/** Visible ASCII, and short enough for a log line. */
const validId = /^[!-~]{1,128}$/

/** Give requests their ids before the listener gets them. */
export interface RequestIds {
  request(listener: RequestListener): RequestListener
  upgrade(listener: UpgradeListener): UpgradeListener
}

/**
 * Keeps the id that a request came with if its peer is trusted and the id is valid, else creates one. The header is set
 * on the request and on its response; the response to an upgrade is written by the app.
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

/** Sets both forms of the header: a Request is made from the raw one. */
function setHeader(req: IncomingMessage, name: string, value: string): void {
  req.headers[name] = value
  const { rawHeaders } = req
  for (let i = rawHeaders.length - 2; i >= 0; i -= 2) {
    if (rawHeaders[i]!.toLowerCase() === name) rawHeaders.splice(i, 2)
  }
  rawHeaders.push(name, value)
}
