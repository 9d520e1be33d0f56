/** A listener that answers before it reads, and leaves uploads alone. */
import { answer, isHonest, upgrade } from './honest.mjs'

export { upgrade }

export default async (req, res) => {
  if (isHonest(req.url)) return await answer(req, res)
  res.writeEarlyHints({ link: '</style.css>; rel=preload' })
  // Node refuses trailers of what has no body, or no end of its own.
  const hasTrailers = req.method !== 'HEAD' && req.httpVersion !== '1.0'
  res.writeHead(req.method === 'POST' ? 413 : 200, hasTrailers ? { Trailer: 'X-Trailer' } : {})
  res.write('early')
  if (hasTrailers) res.addTrailers({ 'X-Trailer': 'late' })
  res.end()
}
