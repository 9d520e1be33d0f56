/** An app of Hono, exported as it is; by itself, it listens with Hono's server for Node. */
import { Hono } from 'hono'

const app = new Hono()
app.get('/', context => context.text('hello'))
app.get('/json', context => context.json({ hello: 'world' }))
app.get('/headers', context => {
  const { req } = context
  return context.text(
    `${req.header('accept-language')} ${req.header('Authorization')} ${req.header('cookie')}`,
  )
})
app.post('/post', async context => context.json({ got: await context.req.json() }))
app.get('/later', async context => {
  await null
  context.header('Cache-Control', 'no-store')
  return context.text('hello', 201)
})
app.get('/stream', () => {
  let left = 3
  const body = new ReadableStream({
    async pull(controller) {
      await new Promise(setImmediate)
      if (left-- === 0) controller.close()
      else controller.enqueue(new Uint8Array(1_000))
    },
  })
  return new Response(body)
})

export default app

export async function listen({ port, host }) {
  const { serve } = await import('@hono/node-server')
  return serve({ fetch: app.fetch, port, hostname: host })
}
