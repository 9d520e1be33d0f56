/** The steps of a reload on a server of fakes: their order, and the way back when one of them fails. */
import { expect } from 'chai'
import { ConfigError } from '../../../config/load/config-error.ts'
import { type ReloadParts, Reloads } from '../../../daemon/arbiter/reloads.ts'
import type { Preparation } from '../../../daemon/generation/generations.ts'
import type { Phase } from '../../../daemon/state/phase.ts'
import type { ErrorPage } from '../../../worker/protocol/messages.ts'
import { fakeServer, generation, resolvedFrom } from './fake-server.ts'

describe('reloads', () => {
  const readAgain = () => resolvedFrom('--error-logfile', '/new.log')
  let parts: ReloadParts

  before(async () => {
    parts = { readAgain, resolved: await resolvedFrom('--metrics-bind', '127.0.0.1:1') }
  })

  it('prepare with the configuration read again, and take what only one server may have before on_reload', async () => {
    let prepared: Preparation | undefined
    const prepare = (preparation: Preparation) => {
      prepared = preparation
    }
    const { server, calls, lines } = fakeServer({}, { generations: { prepare } })
    new Reloads(server, parts).begin()
    expect(lines).to.deep.equal(['info Reload 1: reading the configuration'])
    const { signal } = new AbortController()
    await prepared?.after?.((await prepared.read(signal)) as never)
    expect(calls).to.deep.equal([
      'generations.prepare',
      'log.moveTo /new.log',
      'outlets.use',
      'pidfile.claim',
      'server.view',
      'hooks.callOf',
    ])
  })

  it('stop at the first of these steps that fails', async () => {
    let prepared: Preparation | undefined
    const { server, calls } = fakeServer(
      {},
      {
        generations: {
          prepare: (preparation: Preparation) => {
            prepared = preparation
          },
        },
        outlets: { use: async () => Promise.reject(new Error('no syslog')) },
      },
    )
    new Reloads(server, parts).begin()
    const failure = await prepared?.after?.(await resolvedFrom()).catch((error: Error) => error.message)
    expect(failure).to.equal('no syslog')
    expect(calls).not.to.include('pidfile.claim')
  })

  it('take a prepared generation into force, and open the logs again', async () => {
    const { server, calls, lines } = fakeServer({})
    new Reloads(server, parts).rollOut(await generation(2))
    expect(calls).to.deep.equal(['server.activate', 'server.reopenLogs'])
    expect(lines).to.deep.equal(['info Reload 0: starting generation 2'])
  })

  it('that fail go back to the last good generation, with its log, its targets and its pidfile', async () => {
    const lastGood = await generation(1, '--error-logfile', '/old.log')
    const { server, calls, lines } = fakeServer(
      {},
      { generations: { lastGood, current: await generation(2) } },
    )
    const reloads = new Reloads(server, parts)
    reloads.begin()
    calls.length = 0
    reloads.abort('Worker 3 exited\nwith a stack')
    expect(server.failure).to.equal('reload 1 failed: Worker 3 exited')
    expect(lines.at(-1)).to.equal(
      'error Reload 1 failed: generation 1 keeps serving: Worker 3 exited\nwith a stack',
    )
    await new Promise(setImmediate)
    expect(calls).to.deep.equal([
      'server.revert',
      'pidfile.withdraw',
      'log.moveTo /old.log',
      'generations.show',
      'outlets.use',
    ])
  })

  it('that fail say so where the error is shown, with the stack of the app or of the configuration', async () => {
    const shown: ErrorPage[] = []
    const show = (page: ErrorPage) => shown.push(page) > 0
    const { server, lines } = fakeServer({}, { generations: { lastGood: await generation(1), show } })
    const reloads = new Reloads(server, parts)
    reloads.begin()
    reloads.abort(new Error('Worker 3 exited'), 'Error: no\n    at main (app.ts:1:2)')
    reloads.wait(new ConfigError([{ origin: 'a.ts', message: 'it threw', stack: 'Error\n    at a.ts:1:2' }]))
    reloads.wait('no more')
    expect(lines.filter(line => line.startsWith('error'))).to.deep.equal([
      'error Reload 1 failed: the server shows the error until a change loads: Worker 3 exited',
      'error Cannot start: a.ts: it threw',
      'error Cannot start: no more',
    ])
    expect(shown).to.deep.equal([
      { heading: 'Reload 1 failed', message: 'Error: no\n    at main (app.ts:1:2)' },
      { heading: 'Cannot start', message: 'a.ts: it threw\nError\n    at a.ts:1:2' },
      { heading: 'Cannot start', message: 'no more' },
    ])
  })

  it('that are superseded go back too, and leave the rest to the next one', async () => {
    const { server, calls, lines } = fakeServer({}, { generations: { current: await generation(2) } })
    new Reloads(server, parts).supersede('no app')
    expect(calls).to.deep.equal(['server.revert'])
    expect(lines).to.deep.equal(['error Generation 2 failed, the next one is on its way: no app'])
    expect(server.failure).to.equal(undefined)
  })

  it('that succeed make the generation the last good one, and say how long it took', async () => {
    const { resolved } = parts
    const state = { resolved, scale: { wanted: 2 }, failure: 'reload 1 failed: before' }
    const { server, calls, lines } = fakeServer(state, { generations: { current: await generation(2) } })
    const before: Phase = { name: 'reloading', since: 0, restarts: 0, reloadAfter: false }
    new Reloads(server, parts).finish(before)
    expect(calls).to.deep.equal(['generations.confirm', 'pidfile.publish'])
    expect(server.failure).to.equal(undefined)
    expect(lines).to.have.length(1)
    expect(lines[0]).to.match(/^info Reload 0: generation 2 serves \(2 workers, [\d.]+ s\)$/)
  })

  it('that succeed say which settings they could not change', async () => {
    const state = {
      resolved: await resolvedFrom('--metrics-bind', '127.0.0.1:2', '--pid', '/x', '--name', 'other'),
      scale: { wanted: 2 },
    }
    const { server, lines } = fakeServer(state, { generations: { current: await generation(2) } })
    new Reloads(server, parts).finish({ name: 'reloading', since: 0, restarts: 0, reloadAfter: false })
    expect(lines.at(-1)).to.equal(
      'warning Reload 0 has not changed proc_name, metrics_bind: that takes a restart, or an upgrade by USR2',
    )
  })
})
