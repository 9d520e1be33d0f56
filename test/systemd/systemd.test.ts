/** The units of `deploy/systemd` under a real systemd: starts, reloads, stops, its watchdog, sockets and upgrades. */
import { get } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { Load } from '../support/http/load.ts'
import { eventually, freePort } from '../support/tsicorn.ts'
import { Sandbox } from './sandbox.ts'

/** What every test adapts, as an operator would. */
const adapted = `[Service]
User=daemon
Environment=PATH=/srv/node:/usr/bin:/bin
StandardOutput=append:/srv/app/log
StandardError=append:/srv/app/log
RestartSec=100ms
`

const hello = `export default (req, res) => res.end('hello')`

/** The answer comes when the file \`go\` is there; before that, the application is not loaded either. */
const waiting = `import { existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
while (!existsSync('/srv/app/go')) await setTimeout(20)
export default (req, res) => res.end(JSON.stringify(Object.keys(process.env)))`

const slow = `import { writeFileSync } from 'node:fs'
export default (req, res) => {
  writeFileSync('/tmp/asked', '')
  setTimeout(() => res.end('slow'), 1500)
}`

describe('under systemd', function () {
  this.timeout(240_000)
  let sandbox: Sandbox
  let port: number
  let url: string

  before(async function () {
    sandbox = new Sandbox()
    await sandbox.boot()
    if (sandbox.refusal !== undefined) {
      process.stderr.write(`Skipping the tests under systemd: ${sandbox.refusal}\n`)
      this.skip()
    }
    await sandbox.install({
      'tsicorn.service': undefined,
      'tsicorn.service.d/90-test.conf': adapted,
    })
  })

  after(async () => await sandbox.close())

  beforeEach(async () => {
    port = await freePort()
    url = `http://127.0.0.1:${port}/`
    sandbox.forget()
    sandbox.write(
      'tsicorn.config.mjs',
      `export default { app: './app.mjs', bind: '127.0.0.1:${port}', workers: 2 }`,
    )
    sandbox.write('app.mjs', hello)
  })

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') process.stderr.write(`The log:\n${sandbox.log}`)
    await sandbox.reset()
  })

  it('is active only when the workers are ready, and workers know nothing of systemd', async () => {
    sandbox.write('app.mjs', waiting)
    await sandbox.systemctl('start', '--no-block', 'tsicorn.service')
    await sandbox.becomes('StatusText', 'Starting: 0 of 2 workers ready')
    expect(await sandbox.property('ActiveState')).to.equal('activating')
    sandbox.write('go', '')
    await sandbox.becomes('ActiveState', 'active')
    await sandbox.becomes('StatusText', '2 workers, generation 1')
    const names = (await (await fetch(url)).json()) as string[]
    expect(names.filter(name => /^(NOTIFY|WATCHDOG|LISTEN)_/.test(name))).to.deep.equal([])
  })

  it('fails to start, with the reason in its log, when the app cannot be loaded', async () => {
    sandbox.write('app.mjs', 'nonsense nonsense')
    await sandbox.install({ 'tsicorn.service.d/95-once.conf': '[Service]\nRestart=no\n' })
    const { code } = await sandbox.run('systemctl', 'start', 'tsicorn.service')
    await sandbox.remove('tsicorn.service.d/95-once.conf')
    expect(code).to.equal(1)
    expect(await sandbox.property('ExecMainStatus')).to.equal('3')
    expect(sandbox.log).to.match(/Cannot start: .*syntax error at app\.mjs:1/)
  })

  it('reloads without a failed request', async () => {
    await sandbox.systemctl('start', 'tsicorn.service')
    const load = new Load({ url, clients: 4, keepAlive: true })
    await load.answered(20)
    for (const generation of [2, 3]) {
      await sandbox.systemctl('reload', 'tsicorn.service')
      await sandbox.becomes('StatusText', `2 workers, generation ${generation}`)
    }
    await load.answered(20)
    expect((await load.stop()).failures).to.deep.equal([])
    await sandbox.becomes('SubState', 'running')
  })

  it('shows a failed reload in its status while it stays active, until one succeeds', async () => {
    await sandbox.systemctl('start', 'tsicorn.service')
    sandbox.write('app.mjs', `throw new Error('no database')`)
    await sandbox.systemctl('reload', 'tsicorn.service')
    await sandbox.becomes('StatusText', /^2 workers, generation 1; reload 1 failed: .*no database/)
    expect(await sandbox.systemctl('status', 'tsicorn.service')).to.match(/Status: "2 workers.*no database/)
    await sandbox.becomes('SubState', 'running')
    expect(await (await fetch(url)).text()).to.equal('hello')
    sandbox.write('app.mjs', hello)
    await sandbox.systemctl('reload', 'tsicorn.service')
    await sandbox.becomes('StatusText', '2 workers, generation 3')
  })

  it('is started again when the arbiter is killed', async () => {
    await sandbox.systemctl('start', 'tsicorn.service')
    await sandbox.systemctl('kill', '--kill-whom=main', '-s', 'KILL', 'tsicorn.service')
    await sandbox.becomes('NRestarts', '1')
    await sandbox.becomes('ActiveState', 'active')
    expect(await (await fetch(url)).text()).to.equal('hello')
  })

  it('is started again by the watchdog when the arbiter is stuck, and not before', async () => {
    await sandbox.install({ 'tsicorn.service.d/95-watchdog.conf': '[Service]\nWatchdogSec=4\n' })
    await sandbox.systemctl('start', 'tsicorn.service')
    const alive = await sandbox.property('WatchdogTimestampMonotonic')
    await sandbox.becomes('WatchdogTimestampMonotonic', new RegExp(`^(?!${alive}$)`))
    await sandbox.systemctl('kill', '--kill-whom=main', '-s', 'STOP', 'tsicorn.service')
    await sandbox.becomes('NRestarts', '1')
    await sandbox.becomes('ActiveState', 'active')
    await sandbox.remove('tsicorn.service.d/95-watchdog.conf')
    expect(await (await fetch(url)).text()).to.equal('hello')
  })

  it('stops when its requests are answered, and well before TimeoutStopSec', async () => {
    sandbox.write('app.mjs', slow)
    await sandbox.systemctl('start', 'tsicorn.service')
    const answer = fetch(url)
    await eventually(
      'the request is under way',
      async () => (await sandbox.run('test', '-e', '/tmp/asked')).code === 0,
    )
    await sandbox.systemctl('stop', 'tsicorn.service')
    expect(await (await answer).text()).to.equal('slow')
    expect(await sandbox.property('Result')).to.equal('success')
    expect(await sandbox.property('ExecMainStatus')).to.equal('0')
    expect(sandbox.log).to.match(/Stopped\n$/)
  })

  it('works with all rights taken away by the hardening drop-in', async () => {
    const dropIn = 'tsicorn.service.d/hardening.conf'
    await sandbox.install({ [dropIn]: undefined })
    await sandbox.systemctl('start', 'tsicorn.service')
    expect(await (await fetch(url)).text()).to.equal('hello')
    await sandbox.systemctl('reload', 'tsicorn.service')
    await sandbox.becomes('StatusText', '2 workers, generation 2')
    const { output } = await sandbox.run('systemd-analyze', 'security', '--no-pager', 'tsicorn.service')
    await sandbox.remove(dropIn)
    expect(output).to.match(/Overall exposure level for tsicorn\.service: [0-2]\.\d OK/)
  })

  it('has units without a mistake, as far as this systemd knows their settings', async () => {
    await sandbox.install({ 'tsicorn-reload.service': undefined, 'tsicorn.socket': undefined })
    const units = ['tsicorn.service', 'tsicorn-reload.service', 'tsicorn.socket']
    const { output } = await sandbox.run('systemd-analyze', 'verify', ...units)
    await sandbox.remove('tsicorn-reload.service', 'tsicorn.socket')
    // Both came with systemd 253.
    const tooNew = /service type.*notify-reload|'?ReloadSignal'?/
    expect(output.split('\n').filter(line => line !== '' && !tooNew.test(line))).to.deep.equal([])
  })

  describe('with sockets that systemd opened', () => {
    beforeEach(async () => {
      const address = `[Socket]\nListenStream=\nListenStream=127.0.0.1:${port}\nListenStream=/run/tsicorn.sock\n`
      await sandbox.install({
        'tsicorn.socket': undefined,
        'tsicorn.socket.d/90-test.conf': address,
      })
      await sandbox.systemctl('start', 'tsicorn.socket')
    })

    it('is started by the first request, and answers it', async () => {
      expect(await sandbox.property('ActiveState')).to.equal('inactive')
      expect(await (await fetch(url)).text()).to.equal('hello')
      await sandbox.becomes('ActiveState', 'active')
      expect(await askThrough(sandbox.path('/run/tsicorn.sock'))).to.equal('hello')
    })

    it('lets clients wait while it is restarted', async () => {
      await sandbox.systemctl('start', 'tsicorn.service')
      const load = new Load({ url, clients: 4, keepAlive: false })
      await load.answered(20)
      await sandbox.systemctl('restart', 'tsicorn.service')
      await load.answered(20)
      expect((await load.stop()).failures).to.deep.equal([])
    })
  })

  describe('during an upgrade by USR2', () => {
    let old: string
    let newArbiter: string
    let load: Load

    beforeEach(async () => {
      await sandbox.systemctl('start', 'tsicorn.service')
      old = await sandbox.property('MainPID')
      load = new Load({ url, clients: 4, keepAlive: true })
      await load.answered(20)
      await sandbox.systemctl('kill', '--kill-whom=main', '-s', 'USR2', 'tsicorn.service')
      await sandbox.becomes('MainPID', new RegExp(`^(?!${old}$)[1-9]`))
      newArbiter = await sandbox.property('MainPID')
    })

    afterEach(async () => await load.stop())

    async function isGone(pid: string): Promise<void> {
      await eventually(
        `${pid} is gone`,
        async () => (await sandbox.run('sh', '-c', `kill -0 ${pid}`)).code !== 0,
      )
    }

    it('follows the main process when the old arbiter leaves, without a failed request', async () => {
      await sandbox.run('sh', '-c', `kill -TERM ${old}`)
      await isGone(old)
      await load.answered(20)
      expect((await load.stop()).failures).to.deep.equal([])
      expect(await sandbox.property('ActiveState')).to.equal('active')
      expect(await sandbox.property('MainPID')).to.equal(newArbiter)
      await sandbox.systemctl('reload', 'tsicorn.service')
      await sandbox.becomes('StatusText', '2 workers, generation 2')
    })

    it('goes back to the old arbiter when the new arbiter leaves, without a failed request', async () => {
      await sandbox.systemctl('kill', '--kill-whom=main', '-s', 'TERM', 'tsicorn.service')
      await sandbox.becomes('MainPID', old)
      await load.answered(20)
      expect((await load.stop()).failures).to.deep.equal([])
      expect(await sandbox.property('ActiveState')).to.equal('active')
      await sandbox.systemctl('reload', 'tsicorn.service')
      await sandbox.becomes('StatusText', '2 workers, generation 2')
    })

    it('goes back to the old arbiter when the new arbiter is killed', async () => {
      await sandbox.run('sh', '-c', `kill -KILL ${newArbiter}`)
      await sandbox.becomes('MainPID', old)
      expect(await (await fetch(url)).text()).to.equal('hello')
      expect(await sandbox.property('NRestarts')).to.equal('0')
    })

    it('stays with the new arbiter when the old arbiter is killed', async () => {
      await sandbox.run('sh', '-c', `kill -KILL ${old}`)
      await isGone(old)
      expect(await (await fetch(url)).text()).to.equal('hello')
      expect(await sandbox.property('ActiveState')).to.equal('active')
      expect(await sandbox.property('MainPID')).to.equal(newArbiter)
      expect(await sandbox.property('NRestarts')).to.equal('0')
    })
  })
})

/** What the server behind a unix socket answers. */
function askThrough(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ socketPath, agent: false }, response => resolve(text(response)))
    request.once('error', reject)
  })
}
