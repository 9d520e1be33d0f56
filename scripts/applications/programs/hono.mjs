import { serve } from '@hono/node-server'
import { Hono } from 'hono'

const app = new Hono()
app.get('/', c => c.text('Hello World!'))

const server = serve({ fetch: app.fetch, port: Number(process.env.PORT) })

// graceful shutdown, as its documentation has it
process.on('SIGINT', () => {
  server.close()
  process.exit(0)
})
process.on('SIGTERM', () => {
  server.close(err => {
    if (err) {
      console.error(err)
      process.exit(1)
    }
    process.exit(0)
  })
})
