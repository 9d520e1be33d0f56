/** An app with a bad route of two kinds, as anybody writes it: nothing of it knows what runs it. */
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
