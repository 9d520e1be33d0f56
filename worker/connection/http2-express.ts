import { Http2ServerRequest, Http2ServerResponse } from 'node:http2'

/**
 * Express gives each request and response other prototypes, which come from HTTP/1.1 and know nothing of HTTP/2: an answer
 * would fail, and take the process with it. So that they keep their ways, these become members of their own.
 */
export function standFast(req: Http2ServerRequest, res: Http2ServerResponse): void {
  ofRequests ??= membersOf(Http2ServerRequest.prototype)
  ofResponses ??= membersOf(Http2ServerResponse.prototype)
  Object.defineProperties(req, ofRequests)
  Object.defineProperties(res, ofResponses)
  // What parses bodies asks these headers whether there is one, and HTTP/2 needs neither.
  if (req.headers['content-length'] === undefined && !req.stream.endAfterHeaders) {
    req.headers['transfer-encoding'] = 'chunked'
  }
}

// Not before the first request: some of Node's are replaced until then.
let ofRequests: PropertyDescriptorMap | undefined
let ofResponses: PropertyDescriptorMap | undefined

function membersOf(prototype: object): PropertyDescriptorMap {
  const { constructor: _, ...members } = Object.getOwnPropertyDescriptors(prototype) as PropertyDescriptorMap
  for (const key of Reflect.ownKeys(members)) members[key as string]!.enumerable = false
  return members
}
