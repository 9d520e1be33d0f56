/** The same app behind the request listener of Hono's own server. */
import { getRequestListener } from '@hono/node-server'
import app from './hono.mjs'

export default getRequestListener(app.fetch)
