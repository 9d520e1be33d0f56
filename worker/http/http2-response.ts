/**
 * Makes responses of HTTP/2 do nothing where nobody is left to hear them, as those of HTTP/1.1 do. Node's throw: in its own code,
 * which answers `Expect: 100-continue` of a stream that is reset already, or wherever the application has got to meanwhile.
 */
import type { Http2ServerResponse } from 'node:http2'
import { ignore } from './rejection.ts'
import { isStreamClosed } from './response.ts'

type Response = Http2ServerResponse
type Pushed = Parameters<Response['createPushResponse']>[1]

let done = false

/** For all servers of this process. To be called where HTTP/2 is spoken, before a connection is served. */
export function tolerateResets(): void {
  if (done) return
  done = true
  // Not imported: a process that speaks no HTTP/2 does without it.
  const { prototype } = process.getBuiltinModule('node:http2').Http2ServerResponse
  for (const name of ['writeContinue', 'writeEarlyHints', 'writeInformation'] as const) {
    const write = (prototype as unknown as Record<string, ((...args: unknown[]) => boolean) | undefined>)[
      name
    ]
    // Node 22 has only the first two.
    if (write === undefined) continue
    const value = function (this: Response, ...args: unknown[]): boolean {
      return !isStreamClosed(this.stream) && write.apply(this, args)
    }
    Object.defineProperty(prototype, name, { value, configurable: true, writable: true })
  }
  const { createPushResponse: push } = prototype
  const value = function (this: Response, headers: never, callback: Pushed): void {
    if (typeof callback !== 'function') return push.call(this, headers, callback)
    // Whether there may be any is the client's choice, which it changes as it likes (RFC 9113, section 8.4).
    if (!this.stream.pushAllowed) return process.nextTick(callback, new Error(notWanted))
    push.call(this, headers, (error, response) => {
      // A client that refuses it by a reset is an error of the stream, which nobody listens for.
      response?.stream.on('error', ignore)
      callback(error, response)
    })
  }
  Object.defineProperty(prototype, 'createPushResponse', { value, configurable: true, writable: true })
}

const notWanted = 'Nothing can be pushed: the client does not want it, or is gone'
