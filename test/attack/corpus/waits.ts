/** Finding 9: what never settles ends nothing, and TERM is heard beside it. */
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { settingNamed } from '../../../config/table.ts'
import { within } from '../server/patience.ts'
import type { Adversary } from '../turn.ts'

/** Hooks are not waited for longer than that, in seconds, where there is such a limit. */
const hookTimeout = settingNamed('hook_timeout') === undefined ? '' : 'hook_timeout: 8,'

const never = 'await new Promise(resolve => setTimeout(resolve, 1e9))'

const hooks: Readonly<Record<string, readonly ['start' | 'HUP' | 'TERM', string]>> = {
  'when_ready hangs': ['start', `async when_ready() { ${never} }`],
  'pre_fork hangs in a reload': ['HUP', `async pre_fork(_, worker) { if (worker.age > 1) ${never} }`],
  'on_reload hangs': ['HUP', `async on_reload() { ${never} }`],
  'on_exit hangs': ['TERM', `async on_exit() { ${never} }`],
  'on_exit never settles': ['TERM', 'async on_exit() { await new Promise(() => undefined) }'],
}

function good(more = ''): string {
  return `export default { app: './app.mjs', bind: '127.0.0.1:0', workers: 1, ${hookTimeout} ${more} }\n`
}

const files = { 'app.mjs': `export default (_req, res) => res.end('ok')` }

export const waits: readonly Adversary[] = [
  {
    group: 'corpus',
    name: 'finding 9: the import of a configuration never settles',
    async run(turn) {
      const server = await turn.start({ files: { ...files, 'tsicorn.config.mjs': good() } })
      if (server === undefined) return
      server.tsicorn.write('tsicorn.config.mjs', `${never}\n${good()}`)
      server.signal('SIGHUP')
      await server.says(/Reload 1: reading/)
      turn.did('HUP with a configuration that never settles')
      server.tsicorn.write('tsicorn.config.mjs', good())
      await turn.reload(server)
      await turn.serves(server)
      await turn.examine(server, undefined, /./)
    },
  },
  {
    group: 'corpus',
    name: 'finding 9: the access log becomes a FIFO',
    async run(turn) {
      const server = await turn.start({
        args: ['-b127.0.0.1:0', '--access-logfile=access.log', './app.mjs'],
        files,
      })
      if (server === undefined) return
      await turn.serves(server)
      rmSync(`${server.folder}/access.log`)
      execFileSync('mkfifo', [`${server.folder}/access.log`])
      turn.did('The access log is a FIFO that nobody reads; USR1 and HUP')
      server.signal('SIGUSR1')
      await server.reloads(10)
      await turn.serves(server)
      await turn.examine(server, undefined, /./)
    },
  },
  ...Object.entries(hooks).map(
    ([name, [moment, hook]]): Adversary => ({
      group: 'corpus',
      name: `finding 9: ${name}`,
      async run(turn) {
        const server = await turn.start({ files: { ...files, 'tsicorn.config.mjs': good(hook) } })
        if (server === undefined) return
        if (moment === 'HUP') {
          turn.did('HUP')
          server.signal('SIGHUP')
          await server.says(/Reload 1: reading/)
        }
        await turn.serves(server)
        await turn.examine(server, undefined, /./)
        const ending = await within(server.tsicorn.ended, 5)
        if (ending !== undefined && ending.code !== 0) turn.violated(`It ended with code ${ending.code}`)
      },
    }),
  ),
]
