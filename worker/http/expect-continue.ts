/** `Expect: 100-continue`: sends the 100 when the app begins to read the body, and not before. */
import type { IncomingMessage } from 'node:http'
import type { RequestListener } from './types.ts'

/** For the event `checkContinue` of a server; `mayKeepAlive` says whether connections are kept alive at all. */
export function withLazyContinue(listener: RequestListener, mayKeepAlive: () => boolean): RequestListener {
  return (req, res) => {
    const { _read: read } = req
    const { shouldKeepAlive } = res
    // After a response without a 100, the client may or may not send the body.
    res.shouldKeepAlive = false
    req._read = function (this: IncomingMessage, size: number) {
      req._read = read
      if (!res.headersSent && !res.destroyed) {
        res.writeContinue()
        res.shouldKeepAlive = shouldKeepAlive && mayKeepAlive()
      }
      read.call(this, size)
    }
    listener(req, res)
  }
}
