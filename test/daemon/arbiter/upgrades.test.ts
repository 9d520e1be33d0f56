/** Upgrades on a server of fakes: how one starts, why it is refused or given up, and how it ends. */
import { expect } from 'chai'
import { Upgrades } from '../../../daemon/arbiter/upgrades.ts'
import { fakeServer, generation } from './fake-server.ts'

describe('upgrades', () => {
  const parts = {
    env: { PATH: '/bin' },
    cwd: '/srv',
    notifier: undefined,
    control: undefined,
    admin: undefined,
  }

  async function upgrading(answers: {
    readonly upgrader?: Readonly<Record<string, unknown>>
    readonly phase?: string
  }) {
    const current = await generation(1)
    const appBinds = { addresses: { binds: ['127.0.0.1:9'], late: [] } }
    const fake = fakeServer(
      { phase: { name: answers.phase ?? 'running' }, resolved: current.resolved, scale: { wanted: 3 } },
      {
        generations: { current, appBinds },
        upgrader: { newArbiter: 7, refusal: undefined, isPreparing: true, ...answers.upgrader },
        hooks: { call: async () => undefined },
      },
    )
    return { ...fake, upgrades: new Upgrades(fake.server, parts) }
  }

  it('call pre_exec, and start a new arbiter on the sockets in force', async () => {
    let launched: unknown
    const launch = (options: unknown) => {
      launched = options
    }
    const { upgrades, calls, lines } = await upgrading({ upgrader: { launch } })
    upgrades.begin()
    expect(calls).to.deep.equal(['server.view', 'hooks.call', 'upgrader.prepare'])
    upgrades.hear({ type: 'upgrade prepared' })
    expect(calls.at(-1)).to.equal('upgrader.launch')
    expect(launched).to.deep.equal({
      listeners: [],
      appBinds: { binds: ['127.0.0.1:9'], late: [] },
      scale: '{"wanted":3}',
      cwd: '/srv',
      env: { PATH: '/bin' },
    })
    expect(lines).to.deep.equal(['info Upgrading: the new arbiter starts (pid 7)'])
  })

  it('are refused with the reason', async () => {
    const { upgrades, calls } = await upgrading({ upgrader: { refusal: 'one lives already' } })
    expect(upgrades.refusal).to.equal('Not upgrading: one lives already')
    expect(calls).to.deep.equal([])
  })

  it('are abandoned if pre_exec fails, or the start does', async () => {
    const launch = () => {
      throw new Error('no memory')
    }
    const { upgrades, lines } = await upgrading({ upgrader: { launch } })
    upgrades.hear({ type: 'upgrade abandoned', why: 'not today' })
    upgrades.hear({ type: 'upgrade prepared' })
    expect(lines).to.deep.equal(['error Not upgrading: not today', 'error Not upgrading: no memory'])
  })

  it('start nothing if the server was told to stop while pre_exec ran, or they were taken back', async () => {
    for (const answers of [{ phase: 'stopping' }, { upgrader: { isPreparing: false } }]) {
      const { upgrades, calls } = await upgrading(answers)
      upgrades.hear({ type: 'upgrade prepared' })
      expect(calls).not.to.include('upgrader.launch')
    }
  })

  it('say how the new arbiter ended: one that was told to is no error', async () => {
    const { upgrades, lines } = await upgrading({})
    upgrades.hear({ type: 'new arbiter ended', pid: 7, how: 'code 0' })
    upgrades.hear({ type: 'new arbiter ended', pid: 7, how: 'SIGTERM' })
    upgrades.hear({ type: 'new arbiter ended', pid: 7, how: 'SIGSEGV' })
    upgrades.hear({ type: 'new arbiter ended', pid: undefined, how: 'no such file' })
    expect(lines).to.deep.equal([
      'warning The new arbiter ended (pid 7) with code 0: this arbiter goes on',
      'warning The new arbiter ended (pid 7) with SIGTERM: this arbiter goes on',
      'error The new arbiter ended (pid 7) with SIGSEGV: this arbiter goes on',
      'error Not upgrading: no such file',
    ])
  })

  it('end with a promotion, which gives the new arbiter the pidfile', async () => {
    const { upgrades, calls, lines } = await upgrading({})
    upgrades.hear({ type: 'promoted' })
    expect(calls).to.deep.equal(['pidfile.move'])
    expect(lines).to.deep.equal(['info Promoted: the old arbiter is gone'])
  })
})
