/** What follows when a hook throws is what the table of hooks says, for each of them. */
import { expect } from 'chai'
import { type HookName, hookTable } from '../../../hooks/table.ts'
import { configWith, type HookTexts, launchHooked } from '../../support/hooked.ts'
import { eventually, type Tsicorn } from '../../support/tsicorn.ts'

const failing = `() => { throw new Error('not today') }`
const failingLate = `async () => { await null; throw new Error('not today') }`
const failed = (hook: string) => new RegExp(`The hook ${hook} failed: Error: not today\n +at .*config\\.mjs`)

/** Consequences of a hook that throws, in the words of `hookTable`. */
const consequences: Readonly<Record<string, readonly HookName[]>> = {
  'the start is abandoned with exit code 1': ['on_starting'],
  'the reload is abandoned and the old generation keeps serving': ['on_reload'],
  'that worker failed to boot': ['pre_fork', 'post_fork', 'post_worker_init', 'ssl_context'],
  'the error is logged and the client gets 500': ['pre_request'],
  'the error is logged': ['post_request', 'child_exit', 'nworkers_changed'],
  'the error is logged and the service goes on': ['when_ready'],
  'the error is logged and the worker stops': ['worker_int'],
  'the error is logged and the worker ends': ['worker_abort', 'worker_exit'],
  'the error is logged and the exit code stays': ['on_exit'],
  'the upgrade is abandoned and this arbiter keeps serving': ['pre_exec'],
}

describe('a hook that throws', () => {
  it('has a consequence that the table of hooks names', () => {
    const named = Object.entries(hookTable).map(([name, { on_error }]) => [name, on_error])
    const known = Object.entries(consequences).flatMap(([words, names]) => names.map(name => [name, words]))
    expect(named).to.have.deep.members(known)
  })

  for (const [how, text] of [
    ['throws', failing],
    ['rejects', failingLate],
  ] as const) {
    for (const [hook, code] of [
      ['on_starting', 1],
      ['pre_fork', 3],
      ['post_fork', 3],
      ['post_worker_init', 3],
    ] as const) {
      it(`${hook}: a start during which it ${how} ends with code ${code}, and on_exit is called`, async () => {
        const server = launchHooked(
          { [hook]: text, on_exit: `server => server.log.info('on_exit in ' + server.phase)` },
          { errors: true },
        )
        expect(await server.ended).to.deep.equal({ code, signal: null })
        expect(server.log)
          .to.match(failed(hook))
          .and.to.match(/on_exit in stopped/)
        expect(server.log.match(/not today/g), 'told once').to.have.length(1)
      })
    }
  }

  for (const hook of ['on_reload', 'pre_fork', 'post_fork', 'post_worker_init']) {
    it(`${hook}: a reload is abandoned, and the old generation keeps serving`, async () => {
      const server = launchHooked({ post_fork: '() => undefined' }, { args: ['-w', '2'], errors: true })
      const url = await server.running()
      const { workers } = server
      server.write('tsicorn.config.mjs', configWith({ [hook]: failing }))
      const [reason] = await server.reload(/Reload 1 failed: generation 1 keeps serving: .*\n.*\n/)
      expect(reason).to.match(failed(hook))
      expect(await answerOf(url)).to.equal('200 alive')
      expect(server.workers).to.include.members(workers)
      server.write('tsicorn.config.mjs', configWith({}))
      await server.reload()
    })
  }

  it('pre_request: the client gets 500, the error is logged, and the next request is served', async () => {
    const server = launchHooked(
      { pre_request: `async (worker, req) => { if (req.url === '/refused') throw new Error('not today') }` },
      { errors: true },
    )
    const url = await server.running()
    expect(await answerOf(`${url}/refused`)).to.equal('500 Internal Server Error\n')
    await server.says(failed('pre_request'))
    expect(await answerOf(url)).to.equal('200 alive')
    expect(server.log).not.to.match(/Worker 1 .*(exited|ended)/)
  })

  it('on_exit: the error is logged, and the exit code stays 0', async () => {
    const server = launchHooked({ on_exit: failing }, { errors: true })
    await server.running()
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null })
    expect(server.log).to.match(failed('on_exit'))
  })

  /** Hooks whose failure is logged and changes nothing else, and what makes them be called. */
  const logged: Readonly<Record<string, (server: Tsicorn, url: string) => unknown>> = {
    when_ready: () => undefined,
    nworkers_changed: () => undefined,
    post_request: (_, url) => answerOf(url),
    child_exit: ({ workers }) => process.kill(workers[0]!, 'SIGTERM'),
    worker_exit: ({ workers }) => process.kill(workers[0]!, 'SIGTERM'),
    worker_int: ({ workers }) => process.kill(workers[0]!, 'SIGINT'),
    worker_abort: ({ workers }) => process.kill(workers[0]!, 'SIGABRT'),
  }
  for (const [hook, cause] of Object.entries(logged)) {
    it(`${hook}: ${hookTable[hook as HookName].on_error}`, async () => {
      const server = launchHooked({ [hook]: failing }, { errors: true })
      const url = await server.running()
      const told = server.log.search(failed(hook))
      await cause(server, url)
      if (told === -1) await server.says(failed(hook))
      if (/^worker|^child/.test(hook)) {
        await eventually('the successor is ready', () => /Worker 2 .* is ready/.test(server.log))
      }
      expect(await answerOf(url)).to.equal('200 alive')
      expect(await server.stop()).to.deep.equal({ code: 0, signal: null })
    })
  }

  it('worker_exit: the error is logged also where the app ends the process', async () => {
    const server = launchHooked(
      { worker_exit: failing },
      { files: { 'app.mjs': `export default (_req, _res) => process.exit(0)` }, errors: true },
    )
    await fetch(await server.running()).catch(() => undefined)
    await server.says(failed('worker_exit'))
  })
})

describe('a hook of a configuration', () => {
  const mistakes: readonly (readonly [what: string, hooks: HookTexts, says: RegExp])[] = [
    [
      'with a misspelled name is refused',
      { when_redy: '() => undefined' },
      /tsicorn\.config\.mjs: when_redy is not a setting: did you mean when_ready\?/,
    ],
    [
      'that wants too many arguments is refused',
      { when_ready: '(server, worker) => undefined' },
      /tsicorn\.config\.mjs: when_ready is called with \(server\), and this function wants 2 arguments/,
    ],
    [
      'that is no function is refused',
      { on_exit: '"say goodbye"' },
      /tsicorn\.config\.mjs: on_exit must be a function of \(server\), not string/,
    ],
    [
      'is refused together with all other mistakes',
      { on_exit: '42', pre_frok: '() => undefined', timeout: '"soon"' },
      /on_exit must be a function[^\n]*\n[^\n]*did you mean pre_fork\?[\s\S]*timeout/,
    ],
  ]
  for (const [what, hooks, says] of mistakes) {
    it(what, async () => {
      const server = launchHooked(hooks, { errors: true })
      expect(await server.ended).to.deep.equal({ code: 1, signal: null })
      expect(server.log).to.match(says)
    })
  }

  it('may take fewer arguments than it is called with', async () => {
    const server = launchHooked({ nworkers_changed: `server => server.log.info('fewer will do')` })
    await server.says(/fewer will do/)
  })
})

async function answerOf(url: string): Promise<string> {
  const response = await fetch(url, { headers: { connection: 'close' } })
  return `${response.status} ${await response.text()}`
}
