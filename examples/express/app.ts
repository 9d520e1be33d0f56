/** An Express app that is exported, and not told to listen. */
import express from 'express'

const app = express()

app.get('/', (_req, res) => {
  res.type('text').send('Hello from Express\n')
})

/** There is no app.listen(...): the app is exported, and tsicorn serves it. */
export default app
