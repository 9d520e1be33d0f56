/** Serves honest clients, and does what it is asked for at `/misdeed/NAME?SEED`, when it has said which process it is. */
import { createRandom } from '../random.ts'
import { answer, isHonest, upgrade } from './honest.mjs'
import { misdeedNamed } from './misdeeds.ts'

export { upgrade }

// The app may have replaced it by the next misdeed.
const { setTimeout } = globalThis

export default async (req, res) => {
  if (isHonest(req.url)) return await answer(req, res)
  const [, name = '', seed] = /^\/misdeed\/([^?]+)\?(\d+)$/.exec(req.url) ?? []
  const misdeed = misdeedNamed(decodeURIComponent(name))
  if (misdeed !== undefined) setTimeout(() => misdeed(createRandom(Number(seed))), 20)
  res.setHeader('Connection', 'close')
  res.end(String(process.pid))
}
