const express = require('express')

const app = express().use(express.text())

app.all('/', (req, res) => res.send(`express ${process.pid} ${req.body ?? ''}`))

module.exports = app
