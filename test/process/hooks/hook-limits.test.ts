/** Hooks of the arbiter that never end, end too late, or try to end the arbiter. */
import { expect } from 'chai'
import type { HookName } from '../../../hooks/table.ts'
import { configWith, type HookTexts, launchHooked } from '../../support/hooked.ts'
import { insist } from '../../support/insisting.ts'
import type { Tsicorn } from '../../support/tsicorn.ts'

const endless = '() => new Promise(() => {})'
const late = (hook: string) =>
  new RegExp(`The hook ${hook} failed: it took longer than hook_timeout \\(1 s\\)`)
/** Loading the configuration keeps its own limit: on a busy machine that takes more than a second. */
const limited = (hooks: HookTexts) => configWith(hooks, { hook_timeout: 1 })
const launchLimited = (hooks: HookTexts) =>
  launchHooked({}, { files: { 'tsicorn.config.mjs': limited(hooks) }, errors: true })

async function serves(server: Tsicorn, url: string): Promise<void> {
  expect(await (await fetch(url, { headers: { connection: 'close' } })).text()).to.equal('alive')
  expect(await server.stop()).to.deep.equal({ code: 0, signal: null })
}

describe('a hook that never ends', () => {
  for (const [hook, code] of [
    ['on_starting', 1],
    ['pre_fork', 3],
  ] as const) {
    it(`${hook}: the start ends with code ${code}`, async () => {
      const server = launchLimited({ [hook]: endless })
      expect(await server.ended).to.deep.equal({ code, signal: null })
      expect(server.log).to.match(late(hook))
    })
  }

  for (const hook of ['on_reload', 'pre_fork'] as const) {
    it(`${hook}: the reload fails, and the next one goes well`, async () => {
      const server = launchLimited({})
      const url = await server.running()
      server.write('tsicorn.config.mjs', limited({ [hook]: endless }))
      const [reason] = await server.reload(/Reload 1 failed: generation 1 keeps serving: .*\n/)
      expect(reason).to.match(late(hook))
      server.write('tsicorn.config.mjs', configWith({}))
      await server.reload()
      await serves(server, url)
    })
  }

  /** Hooks whose failure changes nothing, and what makes them be called. */
  const told: Readonly<Partial<Record<HookName, (server: Tsicorn) => void>>> = {
    when_ready: () => undefined,
    nworkers_changed: () => undefined,
    child_exit: ({ workers }) => process.kill(workers[0]!, 'SIGTERM'),
    pre_exec: server => server.signal('SIGUSR2'),
  }
  for (const [hook, cause] of Object.entries(told)) {
    it(`${hook}: the server goes on`, async () => {
      const server = launchLimited({ [hook]: endless })
      const url = await server.running()
      cause(server)
      if (!late(hook).test(server.log)) await server.says(late(hook))
      await serves(server, url)
    })
  }

  it('child_exit: a worker that has to wait for it is not late', async () => {
    const files = {
      'tsicorn.config.mjs': configWith(
        { child_exit: endless, pre_fork: '() => {}' },
        { hook_timeout: 4, boot_timeout: 3, workers: 1 },
      ),
    }
    const server = launchHooked({}, { files, errors: true })
    const url = await server.running()
    process.kill(server.workers[0] as number, 'SIGKILL')
    await server.says(/Booting worker 2/)
    expect(server.log).not.to.match(/boot_timeout/)
    expect(await (await fetch(url)).text()).to.equal('alive')
  })

  it('on_exit: the server ends with code 0', async () => {
    const server = launchLimited({ on_exit: endless })
    await server.running()
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null })
    expect(server.log).to.match(/Leaving before all hooks have ended|The hook on_exit failed: it took longer/)
  })

  it('pre_exec: a stop says what it waits for', async () => {
    const server = launchLimited({
      pre_exec: `server => { server.log.info('hanging'); return new Promise(() => {}) }`,
    })
    await server.running()
    server.signal('SIGUSR2')
    await server.says(/hanging/)
    server.signal('SIGINT')
    await server.says(/Waiting for the hook pre_exec, 2 s at most/)
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
  })

  for (const hook of ['on_starting', 'pre_fork', 'when_ready', 'on_exit', 'child_exit'] as const) {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      it(`${hook}: a second ${signal} ends the server, whatever the limit`, async () => {
        const hangs = `server => { server.log.info('hanging'); return new Promise(() => {}) }`
        const server = launchHooked({ [hook]: hangs }, { args: ['--hook-timeout', '0'], errors: true })
        await server.says(/on_starting|pre_fork/.test(hook) ? /hanging/ : /Running/)
        server.signal(signal)
        await server.says(/Stopped/)
        if (signal === 'SIGTERM') await insist(server)
        else server.signal(signal)
        expect(await server.ended).to.deep.equal({ code: 0, signal: null })
        expect(server.log).to.match(/Leaving before all hooks have ended/)
      })
    }
  }
})

describe('a hook of the arbiter that', () => {
  const strays: readonly (readonly [what: string, text: string])[] = [
    ['rejects where nobody waits', `() => { Promise.reject(new Error('not today')) }`],
    ['throws in a timer', `() => { setTimeout(() => { throw new Error('not today') }) }`],
    [
      'emits an error that nobody listens for',
      `async () => { const { EventEmitter } = await import('node:events'); setTimeout(() => new EventEmitter().emit('error', new Error('not today'))) }`,
    ],
  ]
  for (const [what, text] of strays) {
    it(`${what} costs nothing, and the log says where`, async () => {
      const server = launchHooked({ when_ready: text }, { errors: true })
      const url = await server.running()
      await server.says(/Nothing handled an error in \S*tsicorn\.config\.mjs.*: Error: not today\n +at /)
      await serves(server, url)
    })

    it(`${what} fails the reload that it is called for`, async () => {
      const server = launchHooked({}, { errors: true })
      const url = await server.running()
      const slow = text.replace(/^(async )?\(\) => \{/, '$&') // the same function, and then a moment
      const hook = `async () => { (${slow})(); await new Promise(resolve => setTimeout(resolve, 100)) }`
      server.write('tsicorn.config.mjs', configWith({ on_reload: hook }))
      await server.reload(
        /Reload 1 failed: generation 1 keeps serving: Nothing handled an error in \S*tsicorn\.config\.mjs: Error: not today/,
      )
      await serves(server, url)
    })
  }

  for (const call of ['exit', 'abort']) {
    it(`calls process.${call} has failed, and the server goes on`, async () => {
      const server = launchHooked({ when_ready: `() => process.${call}()` }, { errors: true })
      const url = await server.running()
      await server.says(
        /The hook when_ready failed: Error: process\.(exit|abort)\(\) is not for configurations/,
      )
      await serves(server, url)
    })
  }

  it('removes the handlers of signals leaves the server operable', async () => {
    const names = ['SIGHUP', 'SIGTERM', 'uncaughtException'].map(
      name => `process.removeAllListeners('${name}')`,
    )
    const hook = `server => { ${names.join('; ')}; server.log.info('removed') }`
    const server = launchHooked({ when_ready: hook })
    const url = await server.running()
    await server.says(/removed/)
    await server.reload()
    await serves(server, url)
  })
})
