const { Hono } = require('hono')

module.exports = new Hono().all('/', async c => c.text(`hono ${process.pid} ${await c.req.text()}`))
