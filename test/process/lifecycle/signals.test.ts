/** What each signal does to a server: another scale, no workers for a while, or an end, gentle or at once. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { insist } from '../../support/insisting.ts'
import { fresh } from '../../support/requests.ts'
import { eventually, launch, launchApp, type Tsicorn } from '../../support/tsicorn.ts'
import { retire, upgrade } from '../../support/upgrading.ts'

async function settlesAt(server: Tsicorn, number: number): Promise<void> {
  await eventually(`${number} workers`, () => server.workers.length === number)
}

describe('signals', () => {
  it('TTIN and TTOU change the number of workers by one, and not below one', async () => {
    const server = launchApp('hello.ts', ['-w', '1', '--log-level', 'debug'])
    await server.running()
    server.signal('SIGTTIN')
    await server.says(/Wanted: 2 workers/)
    await server.says(/Worker 2 .* is ready/)
    const [first] = server.workers
    server.signal('SIGTTOU')
    await server.says(/Wanted: 1 worker /)
    await settlesAt(server, 1)
    expect(server.workers, 'the one with index 0').to.deep.equal([first])
    server.signal('SIGTTOU')
    await server.says(/Handling signal: ttou\n.*\[WARNING\] TTOU has no effect: one worker is the least/)
    await server.reload()
    await settlesAt(server, 1)
  })

  it('a scale set by TTIN survives a reload that does not change workers', async () => {
    const server = launchApp('hello.ts', ['-w', '1'])
    await server.running()
    server.signal('SIGTTIN')
    await server.says(/Wanted: 2 workers/)
    await server.reload()
    await settlesAt(server, 2)
  })

  const boots = `import { existsSync } from 'node:fs'
    console.log('loading')
    while (existsSync('boot')) await new Promise(done => setTimeout(done, 20))
    throw new Error('no database')`

  it('a scale set by TTIN survives a reload that fails meanwhile', async () => {
    const server = launch({
      args: ['-w', '1', '-b', '127.0.0.1:0', './app.mjs'],
      files: { 'app.mjs': 'export default (req, res) => res.end()' },
      errors: true,
    })
    await server.running()
    server.write('boot', '')
    server.write('app.mjs', boots)
    server.signal('SIGHUP')
    await server.says(/loading/)
    server.signal('SIGTTIN')
    await server.says(/Wanted: 2 workers/)
    server.write('app.mjs', 'export default (req, res) => res.end()')
    rmSync(join(server.folder, 'boot'))
    await server.says(/Reload 1 failed/)
    await settlesAt(server, 2)
    expect(server.log).not.to.contain('Wanted: 1 worker')
    await server.reload()
    await settlesAt(server, 2)
  })

  it('a reload that was started over and fails leaves the number of workers as it was', async () => {
    const settings = (workers: number) =>
      `export default { app: './app.mjs', bind: '127.0.0.1:0', workers: ${workers} }`
    const server = launch({
      args: [],
      files: { 'app.mjs': 'export default (req, res) => res.end()', 'tsicorn.config.mjs': settings(1) },
      errors: true,
    })
    await server.running()
    server.write('boot', '')
    server.write('app.mjs', boots)
    server.write('tsicorn.config.mjs', settings(2))
    server.signal('SIGHUP')
    await server.says(/starting generation 2\n[\s\S]*loading/)
    server.signal('SIGHUP')
    await server.says(/starting generation 3\n[\s\S]*loading/)
    rmSync(join(server.folder, 'boot'))
    await server.says(/Wanted: 1 worker \(before: 2\)/)
    await server.says(/Reload \d failed/)
    await settlesAt(server, 1)
  })

  it('a scale set by TTIN survives an upgrade that does not change workers', async () => {
    const server = launchApp('hello.ts', ['-w', '1'])
    await server.running()
    server.signal('SIGTTIN')
    await server.says(/Wanted: 2 workers/)
    const newArbiter = await upgrade(server)
    await eventually('the new arbiter says so', () =>
      server.log.includes(`[${newArbiter}] [INFO] Running: 2 workers ready`),
    )
    await retire(server, server.pid)
  })

  it('a busy server gets more workers where workers is a range, and a reload and an upgrade keep them', async () => {
    const server = launch({
      args: ['-w', '1..3', '-b', '127.0.0.1:0', './busy.mjs'],
      files: {
        'busy.mjs': `import { createServer } from 'node:http'
          const burn = until => { while (performance.now() < until); }
          export default (req, res) => { burn(performance.now() + 50); res.end('ok') }`,
      },
    })
    const url = await server.running()
    expect(server.log).to.contain('Running: 1 worker ready')
    let isOver = false
    const clients = Array.from({ length: 4 }, async () => {
      while (!isOver) await fresh(url)
    })
    await server.says(/Autoscale: 1 to [23] workers: (they are busy \d+ % of the time|\d+ connections wait)/)
    await server.says(/Wanted: [23] workers \(before: 1\)/)
    await server.says(/Autoscale: 2 to 3|Wanted: 3 workers/)
    isOver = true
    await Promise.all(clients)
    await eventually('three workers', () => server.workers.length === 3)
    await server.reload(/generation 2 serves \(3 workers/)
    const newArbiter = await upgrade(server)
    await eventually('the new arbiter says so', () =>
      server.log.includes(`[${newArbiter}] [INFO] Running: 3 workers ready`),
    )
    await retire(server, server.pid)
  })

  for (const back of ['SIGTTIN', 'SIGHUP'] as const) {
    it(`WINCH sends all workers away while the arbiter stays, and ${back} brings them back`, async () => {
      const server = launchApp('hello.ts', ['-w', '2'])
      const url = await server.running()
      server.signal('SIGWINCH')
      await server.says(/Wanted: 0 workers/)
      await settlesAt(server, 0)
      // Nobody accepts, and the queue of the kernel waits for whoever comes back.
      const answer = fetch(url)
      server.signal(back)
      expect(await (await answer).text()).to.equal('hello')
      await settlesAt(server, back === 'SIGTTIN' ? 1 : 2)
    })
  }

  it('that have no effect say so', async () => {
    const server = launchApp('hello.ts', ['-w', '1'])
    await server.running()
    server.signal('SIGUSR1')
    await server.says(/USR1 has no effect: no log is a file/)
    server.signal('SIGWINCH')
    await server.says(/Wanted: 0 workers/)
    server.signal('SIGWINCH')
    await server.says(/WINCH has no effect: all workers are away/)
  })

  it('HUP, TTIN, TTOU, USR2 and WINCH sent to a worker harm nobody', async () => {
    const server = launchApp('hello.ts', ['-w', '1'])
    const url = await server.running()
    const [worker] = server.workers as [number]
    for (const name of ['SIGHUP', 'SIGTTIN', 'SIGTTOU', 'SIGUSR2', 'SIGWINCH'] as const)
      process.kill(worker, name)
    for (let i = 0; i < 5; i += 1) expect(await (await fetch(url)).text()).to.equal('hello')
    expect(server.workers).to.deep.equal([worker])
    for (const name of ['HUP', 'TTIN', 'TTOU', 'USR2']) {
      const told = new RegExp(
        `${name} has no effect on a worker: send it to the arbiter \\(pid ${server.pid}\\)`,
      )
      await eventually('it is told', () => told.test(server.log))
    }
  })

  it('a storm of TTIN and TTOU ends with as many workers as it adds up to', async () => {
    const server = launchApp('hello.ts', ['-w', '2'])
    await server.running()
    for (let i = 0; i < 3; i += 1) {
      server.signal('SIGTTIN')
      await server.says(/Handling signal: ttin/)
      server.signal('SIGTTIN')
      await server.says(/Handling signal: ttin/)
      server.signal('SIGTTOU')
      await server.says(/Handling signal: ttou/)
    }
    await settlesAt(server, 5)
  })
})

describe('stopping', () => {
  it('by TERM finishes the requests under way and ends with code 0', async () => {
    const server = launchApp('slow.ts', ['-w', '1'])
    const url = await server.running()
    const answer = fetch(`${url}/?ms=1000`)
    await eventually('the request is under way', async () => (await fetch(`${url}/?ms=0`)).ok)
    const ending = server.stop('SIGTERM')
    expect(await (await answer).text()).to.equal('slow')
    expect(await ending).to.deep.equal({ code: 0, signal: null })
  })

  it('by TERM cuts what is not finished at graceful_timeout, and says so', async () => {
    const server = launchApp('slow.ts', ['-w', '1', '--graceful-timeout', '1'])
    const url = await server.running()
    const answer = fetch(`${url}/?ms=20000`).then(
      () => 'answered',
      () => 'cut',
    )
    await eventually('the request is under way', async () => (await fetch(`${url}/?ms=0`)).ok)
    expect(await server.stop('SIGTERM')).to.deep.equal({ code: 0, signal: null })
    expect(await answer).to.equal('cut')
    expect(server.log).to.match(/graceful_timeout is over: cutting 1 connection/)
  })

  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    it(`by ${signal} cuts the requests under way at once`, async () => {
      const server = launchApp('slow.ts', ['-w', '1'])
      const url = await server.running()
      const answer = fetch(`${url}/?ms=20000`).then(
        () => 'answered',
        () => 'cut',
      )
      await eventually('the request is under way', async () => (await fetch(`${url}/?ms=0`)).ok)
      expect(await server.stop(signal)).to.deep.equal({ code: 0, signal: null })
      expect(await answer).to.equal('cut')
    })
  }

  /** One request is under way, and TERM was heard. */
  async function stopping(): Promise<{ server: Tsicorn; answer: Promise<unknown> }> {
    const server = launchApp('slow.ts', ['-w', '1'])
    const url = await server.running()
    const answer = fetch(`${url}/?ms=20000`).catch(() => 'cut')
    await eventually('the request is under way', async () => (await fetch(`${url}/?ms=0`)).ok)
    server.signal('SIGTERM')
    await server.says(/Stopping: the workers finish/)
    return { server, answer }
  }

  it('by TERM is hastened by a second signal', async () => {
    const { server, answer } = await stopping()
    expect(await server.stop('SIGINT')).to.deep.equal({ code: 0, signal: null })
    expect(await answer).to.equal('cut')
  })

  it('by TERM to the arbiter and to its group at once, as `timeout` sends it, is one graceful stop', async () => {
    const server = launchApp('slow.ts', ['-w', '2'])
    const url = await server.running()
    const answer = fetch(`${url}/?ms=1500`)
    await eventually('the request is under way', async () => (await fetch(`${url}/?ms=0`)).ok)
    server.signal('SIGTERM')
    await server.says(/Handling signal: term/)
    process.kill(-server.pid, 'SIGTERM')
    await server.says(/TERM within 1 s of the first one is the same stop/)
    expect(await (await answer).text()).to.equal('slow')
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
  })

  it('by a second TERM that comes later is quick', async () => {
    const { server, answer } = await stopping()
    await insist(server)
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
    expect(await answer).to.equal('cut')
  })

  it('by TERM serves on for drain_delay, while ready_path says no', async () => {
    const server = launchApp('hello.ts', ['-w', '2', '--drain-delay', '1.5', '--ready-path', '/ready'])
    const url = await server.running()
    const status = async (path: string) =>
      (await fetch(`${url}${path}`, { headers: { connection: 'close' } })).status
    expect(await status('/ready')).to.equal(200)
    server.signal('SIGTERM')
    await server.says(/serve on for 1\.5 s/)
    await eventually(
      'all workers know',
      async () => (await status('/ready?x')) === 503 && (await status('/ready')) === 503,
    )
    expect(await status('/')).to.equal(200)
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
  })

  it('during drain_delay is hastened by a second signal', async () => {
    const server = launchApp('hello.ts', ['--drain-delay', '20'])
    await server.running()
    server.signal('SIGTERM')
    await server.says(/serve on for 20 s/)
    await insist(server)
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
  })

  it('during the start ends at once with code 0', async () => {
    const server = launchApp('never-loads.ts')
    await server.says(/Booting worker/)
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null })
  })

  it('kills a worker that blocks while it is loaded', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.mjs'],
      files: { 'app.mjs': `process.stdout.write('stuck');for (;;);` },
    })
    await server.says(/stuck/)
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null })
    expect(server.log).to.match(/Killing worker 1/)
  })

  it('without any worker ends with code 0', async () => {
    const server = launchApp('hello.ts')
    await server.running()
    server.signal('SIGWINCH')
    await settlesAt(server, 0)
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null })
  })
})
