import express from 'express'

const app = express().use(express.text())

app.all('/', (req, res) => res.send(`express ${process.pid} ${req.body ?? ''}`))
app.listen(process.env.PORT ?? 3000)
