/** An ordinary app with two bad routes: it does not know which server runs it. */
const { createServer } = require('node:http')

createServer((req, res) => {
  if (req.url === '/throw') {
    setTimeout(() => {
      throw new Error('poisoned')
    })
  } else if (req.url === '/reject') {
    Promise.reject(new Error('poisoned'))
  } else {
    res.end('served')
  }
}).listen(process.env.PORT, '127.0.0.1')
