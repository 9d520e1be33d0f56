/** Finding 1: what an app says by `process.send` is no order to the arbiter, whatever it looks like. */
import type { Adversary } from '../turn.ts'

/** Each of these is sent by an app. */
const messages = [
  `{ type: 'log', level: 'info', message: 5 }`,
  `{ type: 'log' }`,
  `{ type: 'log', level: 'critical', message: 'forged' }`,
  `{ type: 'log', level: 'toString', message: 'forged' }`,
  `{ type: 'recycle' }`,
  `{ type: 'leaving', why: { } }`,
  `{ type: 'failed' }`,
  `{ type: 'crashed', why: 7 }`,
  'null',
  `'text'`,
  `[[[]]]`,
  `{ type: 'log', level: 'info', message: 'x'.repeat(2 ** 22) }`,
]

export const messaging: readonly Adversary[] = [
  {
    group: 'corpus',
    name: 'finding 1: messages of an app',
    async run(turn) {
      const server = await turn.start({
        args: ['-b127.0.0.1:0', './app.mjs'],
        files: {
          'app.mjs': `const messages = [${messages.join(', ')}]
            export default (req, res) => {
              const message = messages[Number(req.url.slice(1))]
              if (req.url === '/') res.end('ok')
              else process.send(message, undefined, {}, () => res.end('sent'))
            }`,
        },
      })
      if (server === undefined) return
      for (const [index, message] of messages.entries()) {
        turn.did(`process.send(${message})`)
        await server.ask(`/${index}`)
        if (!server.isAlive) break
      }
      await turn.serves(server)
      if (server.log.includes('forged')) turn.violated('A line of the log was forged')
      await turn.examine(server, undefined)
    },
  },
]
