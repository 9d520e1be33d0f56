/** An attacked Express app: it parses bodies at `/echo`, sends much at `/large`, and shares its other answers. */
import express from 'express'
import { answer } from './answers.mjs'

const app = express()
app.post('/echo', express.text({ type: '*/*' }), express.json(), (req, res) => void res.send(req.body ?? ''))
app.get('/large', (_req, res) => void res.type('text').send('large '.repeat(100_000)))
app.use((req, res) => answer(req, res))

export default app
