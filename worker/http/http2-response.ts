/**
 * Makes HTTP/2 responses do nothing when their stream is reset, as HTTP/1.1 responses do when the client is gone.
 * Node's throw: in its own code, which answers `Expect: 100-continue` on a reset stream, or in the code of the app.
 */
import type { Http2ServerResponse } from 'node:http2'
import { ignore } from './rejection.ts'
import { isStreamClosed } from './response.ts'

type Response = Http2ServerResponse
type Pushed = Parameters<Response['createPushResponse']>[1]

let done = false

/** Applies to all servers of this process. Call before an HTTP/2 connection is served. */
export function tolerateResets(): void {
  if (done) return
  done = true
  // Not imported, so that a process without HTTP/2 does not load it.
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
    // The client decides whether pushes are allowed, and may change its mind (RFC 9113, section 8.4).
    if (!this.stream.pushAllowed) return process.nextTick(callback, new Error(pushDisabled))
    push.call(this, headers, (error, response) => {
      // A client that resets the push causes a stream error without a listener.
      response?.stream.on('error', ignore)
      callback(error, response)
    })
  }
  Object.defineProperty(prototype, 'createPushResponse', { value, configurable: true, writable: true })
}

const pushDisabled = 'Nothing can be pushed: the client does not want it, or is gone'
