import { serve } from '@hono/node-server'
import { Hono } from 'hono'

serve({ fetch: new Hono().get('/', c => c.text('hono listens')).fetch, port: Number(process.env.PORT) })
