const { text } = require('node:stream/consumers')
const Koa = require('koa')

exports.app = new Koa().use(async ctx => {
  ctx.body = `koa ${process.pid} ${await text(ctx.req)}`
})
