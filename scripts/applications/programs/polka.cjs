const polka = require('polka')

polka()
  .get('/', (req, res) => {
    res.end('Hello World!')
  })
  .listen(process.env.PORT, err => {
    if (err) throw err
    console.log('> Running')
  })
