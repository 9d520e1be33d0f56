/** An app of Express. */
import express from 'express'
import { answer, isHonest } from './honest.mjs'

const app = express()
app.use((req, res, next) => (isHonest(req.url) ? answer(req, res) : next()))
app.use(express.text({ type: '*/*', limit: '1mb' }))
app.use((req, res) => res.send(`${req.method} ${req.path} ${typeof req.body}`))
// What the client got wrong is nothing for a log.
app.use((error, _req, res, _next) => res.status(error.status ?? 500).end())
export default app
