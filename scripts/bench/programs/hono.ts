/** An app of Hono: exported for tsicorn, and as the listener of Hono's own server for the others. */
import type { RequestListener } from 'node:http'
import { Hono } from 'hono'

const app = new Hono()
app.get('/', context => context.text('hello'))

export default app

export let listener: RequestListener

/** What has to be awaited before the listener serves: an app whose process has this package gets other requests of tsicorn. */
export async function prepare(): Promise<void> {
  const { getRequestListener } = await import('@hono/node-server')
  listener = getRequestListener(app.fetch)
}
