/** Finding 6: while a stuck worker is asked for its stack, no other user gets hold of its inspector. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync } from 'node:fs'
import { makeFolder } from '../../support/tsicorn.ts'
import { integer } from '../random.ts'
import { within } from '../server/patience.ts'
import type { Adversary } from '../turn.ts'

/**
 * Looks at every port of the loopback interface that a user begins to listen on, and says which of them can be debugged.
 * The user is one whom nobody else is, so that no other server is asked.
 */
const spy = (user: number) => `
const { readFileSync } = require('node:fs')
const { connect } = require('node:net')
const listening = () => readFileSync('/proc/net/tcp', 'latin1').split('\\n').flatMap(line => {
  const [, port, user] = /^ *\\d+: 0100007F:([0-9A-F]{4}) \\S+ 0A \\S+ \\S+ \\S+ +(\\d+)/.exec(line) ?? []
  return port === undefined || user !== '${user}' ? [] : [parseInt(port, 16)]
})
const known = new Set(listening())
setInterval(() => {
  for (const port of listening()) {
    if (known.has(port)) continue
    known.add(port)
    const socket = connect(port, '127.0.0.1', () => socket.write('GET /json/list HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n'))
    socket.on('data', data => console.log(String(data)))
    socket.on('error', () => known.delete(port))
  }
}, 2)
console.log('looking')
`

const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups']

export const inspector: readonly Adversary[] = [
  {
    group: 'corpus',
    name: 'finding 6: the inspector of a stuck worker',
    async run(turn) {
      if (process.getuid?.() !== 0) return turn.skip('not root')
      const user = integer(turn.random, 2 ** 20, 2 ** 30)
      const folder = makeFolder({
        'app.mjs': `export default (req, res) => { if (req.url === '/block') for (;;); else res.end('ok') }`,
      })
      chmodSync(folder, 0o755)
      const server = await turn.start({
        folder,
        args: ['-b127.0.0.1:0', '--timeout=3', `--user=${user}`, `--group=${user}`, './app.mjs'],
      })
      if (server === undefined) return
      const child = spawn('setpriv', [...nobody, turn.node, '-e', spy(user)], {
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      let said = ''
      const looks = new Promise<void>(resolve => {
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          said += text
          resolve()
        })
      })
      await within(looks, 20)
      if (!said.includes('looking')) {
        child.kill('SIGKILL')
        return turn.skip('nobody cannot run Node here')
      }
      turn.did('A request that never ends')
      void server.ask('/block')
      await server.says(/was ended by SIGKILL/)
      // What it has heard by now is to be read too.
      setTimeout(() => child.kill('SIGKILL'), 500)
      await once(child, 'close')
      if (said.includes('webSocketDebuggerUrl')) turn.violated('Another user was told how to debug a worker')
      await turn.serves(server)
      await turn.examine(server, undefined, /./)
    },
  },
]
