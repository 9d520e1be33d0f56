/** What the attacked applications answer, by the path; the body is what was sent, unless the path says otherwise. */
import { text } from 'node:stream/consumers'

const large = Buffer.alloc(1_000_000, 'large ')

const answers = {
  '/early': (_req, res) => res.write('early', () => setTimeout(() => res.end(' and late'), 20)),
  '/ignore': (_req, res) => res.end('not read'),
  '/slow': (_req, res) => setTimeout(() => res.end('slow'), 30),
  '/large': (_req, res) => res.end(large),
  '/throw': () => {
    throw new Error('Thrown on purpose')
  },
  '/hints'(_req, res) {
    res.writeEarlyHints({ link: '</style.css>; rel=preload' })
    res.end('hinted')
  },
  async '/stream'(_req, res) {
    for (let n = 0; n < 20 && !res.destroyed; n += 1) {
      if (!res.write(large.subarray(0, 20_000)))
        await new Promise(go => res.once('drain', go).once('close', go))
      await new Promise(setImmediate)
    }
    res.end()
  },
}

export async function answer(req, res) {
  const own = answers[req.url]
  if (own !== undefined) return await own(req, res)
  try {
    res.end(`${req.method} ${await text(req)}`)
  } catch {
    // The body will never be whole: nobody waits for the answer.
    res.destroy()
  }
}
