import { node } from '@elysiajs/node'
import { Elysia } from 'elysia'

new Elysia({ adapter: node() }).get('/', () => 'Hello World!').listen(process.env.PORT)
