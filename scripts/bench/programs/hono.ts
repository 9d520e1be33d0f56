/** An app of Hono: exported for tsicorn, and as the listener of Hono's own server for the others. */
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'

const app = new Hono()
app.get('/', context => context.text('hello'))

export default app
export const listener = getRequestListener(app.fetch)
