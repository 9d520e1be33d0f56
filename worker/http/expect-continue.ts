/** `Expect: 100-continue`: the client is told to go on when the application begins to read, and not before. */
import type { IncomingMessage } from 'node:http'
import type { RequestListener } from './types.ts'

/** To be used for the event `checkContinue` of a server; `mayStay` says whether connections are kept at all. */
export function withLazyContinue(listener: RequestListener, mayStay: () => boolean): RequestListener {
  return (req, res) => {
    const { _read: read } = req
    const { shouldKeepAlive } = res
    // After an answer without the 100 before it nobody knows whether the client sends the body.
    res.shouldKeepAlive = false
    req._read = function (this: IncomingMessage, size: number) {
      req._read = read
      if (!res.headersSent && !res.destroyed) {
        res.writeContinue()
        res.shouldKeepAlive = shouldKeepAlive && mayStay()
      }
      read.call(this, size)
    }
    listener(req, res)
  }
}
