/** Finding 10: a client that does not read costs no memory for good. */
import { connect } from 'node:http2'
import { fileURLToPath } from 'node:url'
import { settingNamed } from '../../../config/table.ts'
import { becomes } from '../server/patience.ts'
import type { Adversary } from '../turn.ts'

const connections = 10
const streams = 20

/** What the worker may keep for them, in bytes, after a while. */
const mostBytes = 100 * 2 ** 20

const app = fileURLToPath(new URL('../served/reckless.mjs', import.meta.url))

export const readers: readonly Adversary[] = [
  {
    group: 'corpus',
    name: 'finding 10: clients of HTTP/2 that do not read',
    async run(turn) {
      const timeout = settingNamed('write_timeout') === undefined ? [] : ['--write-timeout=2']
      const server = await turn.start({
        args: ['-b127.0.0.1:0', '--http2-cleartext=prior-knowledge', ...timeout, app],
      })
      if (server === undefined) return
      const [worker] = server.workers as [number]
      const before = await server.memory()
      const sessions = Array.from({ length: connections }, () => {
        const { host, port } = server.address
        const session = connect(`http://${host}:${port}`).on('error', () => undefined)
        for (let count = 0; count < streams; count += 1) {
          session
            .request({ ':path': '/much' })
            .on('error', () => undefined)
            .pause()
        }
        return session
      })
      turn.did(`${connections * streams} streams that nobody reads, of 2 MiB each`)
      await new Promise(resolve => setTimeout(resolve, 1_500))
      await turn.serves(server)
      let more = 0
      const isGivenBack = async () => {
        more = (await server.memory()) - before
        return more < mostBytes
      }
      if (!server.workers.includes(worker)) turn.violated('A worker has ended')
      else if (!(await becomes(isGivenBack, 20))) {
        turn.violated(`The worker keeps ${Math.round(more / 2 ** 20)} MiB for clients that do not read`)
      }
      for (const session of sessions) session.destroy()
      await turn.serves(server)
      await turn.examine(server, undefined)
    },
  },
]
