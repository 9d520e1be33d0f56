/** `tsicornc upgrade` where something gets in its way: one arbiter goes on serving, and it says which. */
import { expect } from 'chai'
import { fresh } from '../../support/requests.ts'
import { eventually, isAlive, launch, launchText, type Tsicorn } from '../../support/tsicorn.ts'
import { control, start, tsicornc } from '../../support/tsicornc.ts'

const hello = `export default (req, res) => res.end('hello')`

function newArbiterOf({ log }: Tsicorn): number {
  return Number(/the new arbiter starts \(pid (\d+)\)/.exec(log)?.[1])
}

describe('tsicornc upgrade', () => {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    it(`leaves the new arbiter alone if the old one ends by ${signal} meanwhile`, async () => {
      const server = launchText(hello)
      const url = await server.running()
      const upgrade = start(['--pid', `${server.pid}`, 'upgrade', '--bake', '60'])
      await upgrade.says(/Watching/)
      server.signal(signal)
      const { code, stdout } = await upgrade.ended
      expect(code).to.equal(0)
      const pid = newArbiterOf(server)
      expect(stdout).to.match(new RegExp(`The old arbiter is gone\nUpgraded: pid ${pid}\n$`))
      expect(await fresh(url)).to.equal('hello')
      expect((await tsicornc('--pid', `${pid}`, 'shutdown')).code).to.equal(0)
      await eventually('it is gone', () => !isAlive(pid))
    })
  }

  it('fails if the new arbiter is killed meanwhile, and the old one goes on', async () => {
    const server = launchText(hello, [], { errors: true })
    await server.running()
    const upgrade = start(['--pid', `${server.pid}`, 'upgrade', '--bake', '60'])
    await upgrade.says(/Watching/)
    process.kill(newArbiterOf(server), 'SIGKILL')
    const { code, stderr } = await upgrade.ended
    expect(code).to.equal(1)
    expect(stderr).to.match(
      /^tsicornc: The upgrade (failed|was taken back), and the old arbiter serves: The new arbiter has ended\n$/,
    )
    await server.says(/The new arbiter ended .* with SIGKILL: this arbiter goes on/)
  })

  it('finds a new arbiter that has its control socket elsewhere', async () => {
    const config = (socket: string) =>
      `export default { app: './app.mjs', bind: '127.0.0.1:0', control_socket: '${socket}' }`
    const server = launch({ files: { 'app.mjs': hello, 'tsicorn.config.mjs': config('one.ctl') } })
    await server.running()
    server.write('tsicorn.config.mjs', config('two.ctl'))
    const { code } = await control(server, 'upgrade', '--bake', '0.1')
    expect(code).to.equal(0)
    await server.says(/Promoted/)
    expect((await tsicornc('--socket', `${server.folder}/two.ctl`, 'shutdown')).code).to.equal(0)
  })

  it('takes back a new arbiter that has no control socket, unless nobody is to watch it', async () => {
    const config = (more: string) => `export default { app: './app.mjs', bind: '127.0.0.1:0', ${more} }`
    const server = launch({ files: { 'app.mjs': hello, 'tsicorn.config.mjs': config('') } })
    await server.running()
    server.write('tsicorn.config.mjs', config('control_socket_disable: true'))
    const blind = await control(server, 'upgrade')
    expect(blind.code).to.equal(1)
    expect(blind.stderr).to.match(
      /^tsicornc: The upgrade was taken back, and the old arbiter serves: The new arbiter has no control socket/,
    )
    await server.says(/The new arbiter ended/)
    expect((await control(server, 'upgrade', '--bake', '0')).code).to.equal(0)
    const { 1: pid } = await server.says(/\[(\d+)\] \[INFO\] Promoted/)
    process.kill(Number(pid), 'SIGTERM')
    await server.ended
  })

  it('is taken back when --timeout is over', async () => {
    const server = launchText(hello)
    await server.running()
    server.write('app.mjs', 'await new Promise(resolve => setTimeout(resolve, 60_000))')
    const late = await control(server, 'upgrade', '--bake', '60', '--timeout', '3')
    expect(late.code).to.equal(7)
    expect(late.stderr).to.equal(
      'tsicornc: The upgrade was taken back, and the old arbiter serves: There is no outcome after 3 s\n',
    )
    expect(isAlive(newArbiterOf(server))).to.equal(false)
    expect((await control(server, 'upgrade', 'back')).stderr).to.equal('tsicornc: There is no new arbiter\n')
  })

  const slowToPrepare = {
    'app.mjs': hello,
    'tsicorn.config.mjs': `import { existsSync } from 'node:fs'
      export default { app: './app.mjs', bind: '127.0.0.1:0',
        async pre_exec() {
          console.log('preparing')
          while (!existsSync('go')) await new Promise(resolve => setTimeout(resolve, 20))
          console.log('prepared')
        } }`,
  }

  it('is taken back while pre_exec runs: no new arbiter is started after it', async () => {
    const server = launch({ files: slowToPrepare, errors: true })
    await server.running()
    const late = await control(server, 'upgrade', '--timeout', '3')
    expect([late.code, late.stderr]).to.deep.equal([
      7,
      'tsicornc: The upgrade was taken back, and the old arbiter serves: There is no outcome after 3 s\n',
    ])
    await server.says(/Not upgrading: it was taken back/)
    server.write('go', '')
    await server.says(/\bprepared/)
    expect((await control(server, 'upgrade', 'back')).stderr).to.equal('tsicornc: There is no new arbiter\n')
    expect(server.log).not.to.match(/the new arbiter starts/)
  })

  it('goes on if TERM comes while pre_exec runs: the new arbiter serves', async () => {
    const server = launch({ files: slowToPrepare })
    const url = await server.running()
    server.signal('SIGUSR2')
    await server.says(/preparing/)
    server.signal('SIGTERM')
    await server.says(/Stopping as soon as the new arbiter serves: send TERM again to stop now/)
    expect(await fresh(url)).to.equal('hello')
    server.write('go', '')
    await server.says(/Stopping: the new arbiter goes on[\s\S]*Promoted/)
    expect(await fresh(url)).to.equal('hello')
    expect((await tsicornc('--pid', `${newArbiterOf(server)}`, 'shutdown')).code).to.equal(0)
  })
})
