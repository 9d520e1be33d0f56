import express from 'express'

const app = express()
app.get('/', (_req, res) => res.type('text/plain').send('hello'))
app.get('/json', (_req, res) => res.json({ hello: 'world' }))

export default app

export const listen = ({ port, host }) => app.listen(port, host)
