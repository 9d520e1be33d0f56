/** Common where tests import the app: the export is complete before the app listens by itself, with the first request. */
import { createServer } from 'node:http'

let listens = false
let served = false

export default function app(_req: unknown, res: { end(text: string): void }) {
  res.end(served ? 'and its own listen succeeded' : 'from the export')
  if (listens) return
  listens = true
  createServer(app).listen(process.env.PORT, () => {
    served = true
  })
}
