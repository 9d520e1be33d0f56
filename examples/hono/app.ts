/** A Hono app, which answers a `Request` with a `Response`. */
import { Hono } from 'hono'

const app = new Hono()

app.get('/', c => c.text('Hello from Hono\n'))

/** Anything with a `fetch` method will do. */
export default app
