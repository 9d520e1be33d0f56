const restify = require('restify')

const server = restify.createServer()
server.get('/', (req, res, next) => {
  res.send('Hello World!')
  next()
})

server.listen(process.env.PORT, () => {
  console.log('%s listening at %s', server.name, server.url)
})
