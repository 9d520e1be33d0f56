/** Makes HTTP/2 requests work with Express. */
import { Http2ServerRequest, Http2ServerResponse } from 'node:http2'

/**
 * Copies the methods of the HTTP/2 prototypes onto the objects themselves. Express replaces the prototypes with its
 * own, which derive from HTTP/1.1: a response would fail, and take the process with it.
 */
export function pinMethods(req: Http2ServerRequest, res: Http2ServerResponse): void {
  requestMembers ??= membersOf(Http2ServerRequest.prototype)
  responseMembers ??= membersOf(Http2ServerResponse.prototype)
  Object.defineProperties(req, requestMembers)
  Object.defineProperties(res, responseMembers)
  // Body parsers look at these headers to see whether there is a body, and HTTP/2 needs neither.
  if (req.headers['content-length'] === undefined && !req.stream.endAfterHeaders) {
    req.headers['transfer-encoding'] = 'chunked'
  }
}

// Filled by the first request: until then, some of Node's methods may still be replaced.
let requestMembers: PropertyDescriptorMap | undefined
let responseMembers: PropertyDescriptorMap | undefined

function membersOf(prototype: object): PropertyDescriptorMap {
  const { constructor: _, ...members } = Object.getOwnPropertyDescriptors(prototype) as PropertyDescriptorMap
  for (const key of Reflect.ownKeys(members)) members[key as string]!.enumerable = false
  return members
}
