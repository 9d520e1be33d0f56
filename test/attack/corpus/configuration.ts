/** Finding 5: a mistake in a configuration or a hook does not end a service that runs. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Adversary } from '../turn.ts'

/** Statements of a configuration. */
const mistakes: Readonly<Record<string, string>> = {
  'a floating rejection': `Promise.reject(new Error('floating'))`,
  'a throw in a timer': `setTimeout(() => { throw new Error('late') }, 300)`,
  'process.exit()': 'process.exit()',
  'process.exit() in a timer': 'setTimeout(() => process.exit(1), 300)',
  'process.abort()': 'process.abort()',
  'process.exit() on a signal': `for (const name of ['SIGHUP', 'SIGTERM']) process.on(name, () => process.exit())`,
  'process.exit() on an error': `process.on('uncaughtException', () => process.exit(1))
setTimeout(() => { throw new Error('late') }, 300)`,
}

/** Hooks that go wrong after they have returned, or while they run. */
const hooks: Readonly<Record<string, string>> = {
  'when_ready rejects later': `when_ready() { void new Promise((_, no) => setTimeout(no, 300, new Error('late'))) }`,
  'when_ready is rejected': `when_ready() { return new Promise((_, no) => setTimeout(no, 300, new Error('late'))) }`,
  'on_reload throws in a timer': `on_reload() { setTimeout(() => { throw new Error('late') }, 300) }`,
  'child_exit throws in a timer': `child_exit() { setTimeout(() => { throw new Error('late') }, 300) }`,
}

const files = { 'app.mjs': `export default (_req, res) => res.end('ok')`, 'tsicorn.config.mjs': good('') }

/** Longer than the mistakes take. */
const lateMs = 800

export const configuration: readonly Adversary[] = [
  ...Object.entries(mistakes).map(([name, statement]) => attack(name, good(''), `${statement}\n${good('')}`)),
  ...Object.entries(hooks).map(([name, hook]) => attack(name, good(hook), good(hook))),
]

function good(hook: string): string {
  return `export default { app: './app.mjs', bind: '127.0.0.1:0', workers: 1, ${hook} }\n`
}

function attack(name: string, first: string, then: string): Adversary {
  return {
    group: 'corpus',
    name: `finding 5: ${name}`,
    async run(turn) {
      const server = await turn.start({ files: { ...files, 'tsicorn.config.mjs': first } })
      if (server === undefined) return
      server.tsicorn.write('tsicorn.config.mjs', then)
      turn.did('HUP')
      await server.reloads(20)
      await sleep(lateMs)
      await turn.serves(server)
      if (!server.isAlive) return
      server.tsicorn.write('tsicorn.config.mjs', good(''))
      await turn.reload(server)
      await turn.examine(server, undefined, /./)
    },
  }
}
