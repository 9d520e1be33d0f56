import Koa from 'koa'

const app = new Koa()
app.use(context => {
  context.body = context.path === '/json' ? { hello: 'world' } : 'hello'
})

export default app

export const listen = ({ port, host }) => app.listen(port, host)
