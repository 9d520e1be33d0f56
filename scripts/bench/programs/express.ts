/** An app of Express: exported for tsicorn, and as a listener for the others. */
import express from 'express'

const app = express()
app.get('/', (_req, res) => res.type('text/plain').send('hello'))

export default app
export const listener = app
