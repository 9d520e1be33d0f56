import { text } from 'node:stream/consumers'
import Koa from 'koa'

export default new Koa().use(async ctx => {
  ctx.body = `koa ${process.pid} ${await text(ctx.req)}`
})
