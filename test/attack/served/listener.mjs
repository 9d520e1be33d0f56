/** A plain listener that reads what it is sent, and answers with how much it was. */
import { answer, isHonest, upgrade } from './honest.mjs'

export { upgrade }

export default async (req, res) => {
  if (isHonest(req.url)) return await answer(req, res)
  let length = 0
  req.on('data', part => {
    length += part.length
  })
  req.on('end', () => res.end(`${length} bytes\n`))
}
