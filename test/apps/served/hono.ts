import { Hono } from 'hono'

export default new Hono().all('/', async c => c.text(`hono ${process.pid} ${await c.req.text()}`))
