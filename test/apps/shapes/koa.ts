import Koa from 'koa'

export const app = new Koa().use(ctx => {
  ctx.body = 'koa'
})
