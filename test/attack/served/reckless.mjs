/** A listener that ignores whether anybody reads: it writes some megabytes at once, and echoes without looking back. */
import { answer, isHonest, upgrade } from './honest.mjs'

export { upgrade }

const piece = Buffer.alloc(65_536, 'reckless')
const pieces = 32

export default async (req, res) => {
  if (isHonest(req.url)) return await answer(req, res)
  for (let sent = 0; sent < pieces; sent += 1) res.write(Buffer.from(piece))
  req.on('data', part => res.write(part))
  req.on('end', () => res.end())
}
