/** Tells its process manager when it is ready, as for PM2. */
setTimeout(() => {
  ready = true
  process.send?.('ready')
}, 50)

let ready = false

export default (_req: unknown, res: { end(text: string): void }) => res.end(ready ? 'ready' : 'too early')
