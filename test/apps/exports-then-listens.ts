/** Common where tests import the app: the export is complete before the app listens by itself. */
import { createServer } from 'node:http'

export default function app(_req: unknown, res: { end(text: string): void }) {
  res.end(served ? 'and its own listen succeeded' : 'from the export')
}

let served = false

setTimeout(
  () =>
    createServer(app).listen(process.env.PORT, () => {
      served = true
    }),
  20,
)
