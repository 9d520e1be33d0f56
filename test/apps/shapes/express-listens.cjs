const express = require('express')

const app = express()
app.get('/', (_req, res) => res.send('express listens'))
app.listen(process.env.PORT)
