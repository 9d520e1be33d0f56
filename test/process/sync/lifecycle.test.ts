/** `worker_class: 'sync'` under load: reloads, scaling, deaths and the end cost no request. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Authority, hasOpenssl } from '../../support/certificates.ts'
import { Load } from '../../support/http/load.ts'
import { fresh, overUnixSocket } from '../../support/requests.ts'
import { afterServers, eventually, launch, launchText } from '../../support/tsicorn.ts'
import { app } from './app.ts'

const sync = ['-k', 'sync', '-w', '2']

describe('sync: lifecycle', function () {
  this.timeout(300_000)

  it('loses no request to HUP, TTIN, TTOU, TERM of a worker and recycling', async () => {
    const server = launchText(app, [...sync, '--max-requests', '100'])
    const url = await server.running()
    const load = new Load({ url: `${url}/late`, clients: 6, keepAlive: true })
    await load.answered(20)
    await server.reload()
    await load.answered(20)
    server.signal('SIGTTIN')
    await eventually('three workers', () => server.workers.length >= 3)
    await load.answered(20)
    process.kill(server.workers[0] as number, 'SIGTERM')
    await server.says(/exited with code 0: it was sent TERM/)
    await load.answered(20)
    server.signal('SIGTTOU')
    await server.says(/exited with code 0/)
    await server.says(/asks for a successor: max_requests/)
    await load.answered(20)
    const { failures } = await load.stop()
    expect(failures).to.deep.equal([])
    expect(server.log).not.to.contain('an overlap')
  })

  it('loses only the request of a worker that is killed', async () => {
    const server = launchText(app, sync, { errors: true })
    const url = await server.running()
    const victim = fresh(`${url}/hold`).then(
      () => 'answered',
      () => 'lost',
    )
    const [, pid] = await server.says(/holding \/hold in (\d+)/)
    const load = new Load({ url: `${url}/late`, clients: 6, keepAlive: false })
    await load.answered(20)
    process.kill(Number(pid), 'SIGKILL')
    expect(await victim).to.equal('lost')
    await server.says(/Booting worker 3/)
    await load.answered(40)
    expect((await load.stop()).failures).to.deep.equal([])
  })

  for (const lateMs of [0, 1_500])
    it(`answers what is queued before it stops, also if its workers are free ${lateMs} ms later`, async () => {
      const server = launchText(app, sync)
      const url = await server.running()
      const held = [fresh(`${url}/hold1`), fresh(`${url}/hold2`)]
      await server.says(/holding/)
      await server.says(/holding/)
      const queued = Array.from({ length: 30 }, () => fresh(`${url}/late`))
      await eventually('they wait', () => queueOf(url) >= 30)
      server.signal('SIGTERM')
      await server.says(/Stopping/)
      await sleep(lateMs)
      server.write('go', '')
      const answers = await Promise.all([...held, ...queued])
      expect(new Set(answers.map(answer => answer.split(' ')[1]))).to.deep.equal(new Set(['1']))
      expect(await server.ended).to.have.property('code', 0)
    })

  it('serves two listeners, one of them a unix socket, one request at a time', async () => {
    const args = ['-k', 'sync', '-b', '127.0.0.1:0', '-b', 'unix:app.sock', './app.mjs']
    const server = launch({ args, files: { 'app.mjs': app } })
    const url = await server.running()
    const socket = `${server.folder}/app.sock`
    const held = fresh(`${url}/hold`)
    await server.says(/holding/)
    const waiting = [
      ...Array.from({ length: 5 }, () => overUnixSocket(socket, '/late')),
      ...Array.from({ length: 5 }, () => fresh(`${url}/late`)),
    ]
    server.write('go', '')
    const answers = await Promise.all([held, ...waiting])
    expect(new Set(answers.map(answer => answer.split(' ')[1]))).to.deep.equal(new Set(['1']))
    expect(server.log).not.to.contain('an overlap')
  })

  it('lets no listener starve another one', async () => {
    const args = ['-k', 'sync', '-b', '127.0.0.1:0', '-b', 'unix:app.sock', './app.mjs']
    const server = launch({ args, files: { 'app.mjs': app } })
    const load = new Load({ url: `${await server.running()}/late`, clients: 8, keepAlive: false })
    await load.answered(8)
    const before = load.tally.ok
    await overUnixSocket(`${server.folder}/app.sock`, '/late')
    expect(load.tally.ok - before).to.be.lessThan(8)
    await load.stop()
  })

  it('serves TLS, and reloads without loss', async function () {
    if (!hasOpenssl) this.skip()
    const authority = new Authority()
    afterServers(() => authority.remove())
    const { cert, key } = authority.sign('sync')
    const files = { 'app.mjs': app, 'both.pem': cert + key }
    const server = launch({
      args: [...sync, '-b', '127.0.0.1:0', '--certfile', 'both.pem', './app.mjs'],
      files,
    })
    const url = await server.running()
    const load = new Load({ url: `${url}/late`, clients: 5, keepAlive: true, ca: authority.cert })
    await load.answered(20)
    await server.reload()
    await load.answered(20)
    expect((await load.stop()).failures).to.deep.equal([])
    expect(server.log).not.to.contain('an overlap')
  })
})

/** How many connections wait to be accepted at this address: see `/proc/net/tcp`. */
function queueOf(url: string): number {
  const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, '0')
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n')
  const line = lines.find(text => text.includes(`:${port} 00000000:0000 0A`))
  return Number.parseInt(line?.trim().split(/\s+/)[4]?.split(':')[1] ?? '0', 16)
}
