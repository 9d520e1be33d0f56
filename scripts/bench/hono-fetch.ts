/** An app of Hono as its author exports it: tsicorn makes the Request and sends the Response. */
import { Hono } from 'hono'

const app = new Hono()
app.get('/', context => context.text('hello'))
app.get('/pid', context => context.text(String(process.pid)))

export default app
