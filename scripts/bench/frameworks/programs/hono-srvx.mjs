/** The same app behind the request listener of srvx. */
import { toNodeHandler } from 'srvx/node'
import app from './hono.mjs'

const handler = toNodeHandler(app.fetch)

export default (req, res) => handler(req, res)
