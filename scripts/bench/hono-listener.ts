/** The same app behind the request listener of Hono's own server for Node. */
import { getRequestListener } from '@hono/node-server'
import app from './hono-fetch.ts'

export default getRequestListener(app.fetch)
