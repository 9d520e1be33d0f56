/** Upgrades by USR2: a new arbiter takes over without a failed request, and until it serves the old one stays. */
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Load } from '../../support/http/load.ts'
import { insist } from '../../support/insisting.ts'
import { fresh, overUnixSocket } from '../../support/requests.ts'
import {
  childrenOf,
  eventually,
  freePort,
  isAlive,
  launch,
  launchApp,
  makeFolder,
  testApp,
} from '../../support/tsicorn.ts'
import { retire, upgrade } from '../../support/upgrading.ts'

const hello = `export default (req, res) => res.end('one')\n`

function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** What the pidfiles in a folder say. */
function pidfiles(folder: string): Record<string, number> {
  const names = readdirSync(folder).filter(name => /\.pid(\.\d+)?$/.test(name))
  return Object.fromEntries(names.map(name => [name, Number(readFileSync(join(folder, name), 'utf8'))]))
}

describe('upgrade', () => {
  it('hands the sockets to a new arbiter, on the same random port, and the old arbiter leaves', async () => {
    const server = launch({ args: ['-b', '127.0.0.1:0', './app.mjs'], files: { 'app.mjs': hello } })
    const url = await server.running()
    server.write('app.mjs', hello.replace('one', 'two'))
    const newArbiter = await upgrade(server)
    await retire(server, server.pid)
    expect(await fresh(url)).to.equal('two')
    expect(isAlive(newArbiter)).to.equal(true)
    process.kill(newArbiter, 'SIGTERM')
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
  })

  it('believes no message and no end of the channel that comes from a configuration', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.mjs'],
      files: {
        'app.mjs': hello,
        'tsicorn.config.mjs': `
          for (const message of [null, 5, 'ready', {}, { type: 'ready' }, { type: 'log' }]) process.send?.(message)
          export default { on_starting: () => process.disconnect?.() }`,
      },
      errors: true,
    })
    await server.running()
    server.write('app.mjs', `throw new Error('no new arbiter')`)
    server.signal('SIGUSR2')
    await server.says(/The new arbiter ended \(pid \d+\) with code 3: this arbiter goes on/)
    expect(server.log).not.to.match(/The new arbiter serves|Promoted/)
    expect(await fresh(server.url)).to.equal('one')
  })

  it('ten times in a row fails no request, and leaves one arbiter, its pidfile and its descriptors', async () => {
    const server = launchApp('hello.ts', ['-w', '2', '-p', 'app.pid'])
    const url = await server.running()
    const loads = [true, false].map(keepAlive => new Load({ url, clients: 4, keepAlive }))
    let pid = server.pid
    const counts = new Set<number>()
    for (let round = 0; round < 10; round += 1) {
      const newArbiter = await upgrade(server, pid)
      await retire(server, pid)
      pid = newArbiter
      expect(pidfiles(server.folder)).to.deep.equal({ 'app.pid': pid })
      for (const load of loads) await load.answered(20)
      await eventually('two workers', () => childrenOf(pid).length === 2)
      counts.add(descriptors(pid))
    }
    for (const load of loads) expect((await load.stop()).failures).to.deep.equal([])
    expect([...counts], 'descriptors of each arbiter').to.have.length(1)
    process.kill(pid, 'SIGTERM')
    await server.ended
    const arbiters = Array.from(server.log.matchAll(/\(pid (\d+)\)/g), ([, pid]) => Number(pid))
    // A pipe closes a moment before its process is gone.
    await eventually('nobody is left', () => !arbiters.some(isAlive))
  }).timeout(360_000)

  it('keeps the file of a unix socket while somebody of the lineage serves on it', async () => {
    const server = launch({ args: ['-b', 'unix:app.sock', './app.mjs'], files: { 'app.mjs': hello } })
    const path = join(server.folder, 'app.sock')
    await server.running()
    const newArbiter = await upgrade(server)
    process.kill(newArbiter, 'SIGTERM')
    await server.says(/The new arbiter ended/)
    expect(await overUnixSocket(path)).to.equal('one')
    const second = await upgrade(server)
    await retire(server, server.pid)
    expect(await overUnixSocket(path)).to.equal('one')
    process.kill(second, 'SIGTERM')
    await server.ended
    expect(existsSync(path)).to.equal(false)
  })

  it('is taken back by ending the new arbiter, and can be tried again', async () => {
    const server = launchApp('hello.ts', ['-w', '2'], { errors: true })
    const url = await server.running()
    const load = new Load({ url, clients: 4, keepAlive: false })
    for (const signal of ['SIGTERM', 'SIGQUIT'] as const) {
      const newArbiter = await upgrade(server)
      await load.answered(10)
      process.kill(newArbiter, signal)
      await server.says(/The new arbiter ended \(pid \d+\) with code 0: this arbiter goes on/)
      await load.answered(10)
      if (signal === 'SIGTERM') expect(load.tally.failures).to.deep.equal([])
    }
    await load.stop()
    expect(await fresh(url)).to.equal('hello')
  })

  it('is taken back after WINCH: HUP brings the old workers back', async () => {
    const server = launchApp('pid.ts', ['-w', '2', '-p', 'app.pid'], { errors: true })
    const url = await server.running()
    const newArbiter = await upgrade(server)
    server.signal('SIGWINCH')
    await eventually(
      'only the new arbiter serves',
      () => server.workers.length === 1 && server.workers[0] === newArbiter,
    )
    server.signal('SIGHUP')
    await server.says(/generation 2 serves/)
    process.kill(newArbiter, 'SIGQUIT')
    await server.says(/The new arbiter ended/)
    expect(pidfiles(server.folder)).to.deep.equal({ 'app.pid': server.pid })
    await eventually('two workers', () => server.workers.length === 2)
    const { pid } = JSON.parse(await fresh(url)) as { pid: number }
    expect(server.workers).to.include(pid)
  })

  it('survives kill -9 of either', async () => {
    const server = launchApp('hello.ts', ['-w', '1'], { errors: true })
    const url = await server.running()
    const newArbiter = await upgrade(server)
    process.kill(newArbiter, 'SIGKILL')
    await server.says(/The new arbiter ended \(pid \d+\) with SIGKILL/)
    expect(await fresh(url)).to.equal('hello')
    const second = await upgrade(server)
    await retire(server, server.pid, 'SIGKILL')
    expect(await fresh(url)).to.equal('hello')
    process.kill(second, 'SIGTERM')
    await eventually('the new arbiter is gone', () => !isAlive(second))
  })

  it('to a broken release leaves the old arbiter serving, and nothing behind', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.mjs'],
      files: { 'app.mjs': hello },
      errors: true,
    })
    const url = await server.running()
    server.write('app.mjs', `throw new Error('no database')`)
    server.signal('SIGUSR2')
    await server.says(/The new arbiter ended \(pid \d+\) with code 3: this arbiter goes on/)
    expect(await fresh(url)).to.equal('one')
    server.write('tsicorn.config.mjs', 'export default { timout: 3 }')
    server.signal('SIGUSR2')
    await server.says(/timout is not a setting/)
    await server.says(/The new arbiter ended \(pid \d+\) with code 1/)
    unlinkSync(join(server.folder, 'tsicorn.config.mjs'))
    server.write('app.mjs', hello.replace('one', 'two'))
    const newArbiter = await upgrade(server)
    await retire(server, server.pid)
    expect(await fresh(url)).to.equal('two')
    process.kill(newArbiter, 'SIGTERM')
    await server.ended
  })

  it('is refused while a new arbiter lives, and by a new arbiter that is not promoted', async () => {
    const server = launchApp('hello.ts', ['-p', 'app.pid'])
    await server.running()
    const newArbiter = await upgrade(server)
    server.signal('SIGUSR2')
    await server.says(/Not upgrading: a new arbiter lives already/)
    process.kill(newArbiter, 'SIGUSR2')
    await server.says(/Not upgrading: this arbiter is a new one itself/)
    process.kill(newArbiter, 'SIGHUP')
    await server.says(/generation 2 serves/)
    expect(pidfiles(server.folder)).to.deep.equal({ 'app.pid': server.pid, 'app.pid.2': newArbiter })
    await retire(server, server.pid)
    process.kill(newArbiter, 'SIGTERM')
    await server.ended
  })

  it('calls pre_exec first, and is abandoned when that fails', async () => {
    const server = launch({
      files: {
        'tsicorn.config.mjs': `export default { app: './app.mjs', bind: ['127.0.0.1:0'],
          pre_exec() { if (!process.env.FINE) throw new Error('not on fridays') } }`,
        'app.mjs': hello,
      },
      errors: true,
    })
    const url = await server.running()
    server.signal('SIGUSR2')
    await server.says(/Not upgrading: The hook pre_exec failed: Error: not on fridays/)
    expect(await fresh(url)).to.equal('one')
  })

  it('leaks no variable to the new arbiter or its workers, but for what each worker is told', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-e', 'SEASON=spring', './app.mjs'],
      files: {
        'app.mjs': `export default (req, res) => res.end(Object.keys(process.env).filter(name => /^(TSICORN|LISTEN|SEASON)/.test(name)).join())`,
      },
    })
    const url = await server.running()
    const newArbiter = await upgrade(server)
    await retire(server, server.pid)
    expect(await fresh(url)).to.equal('TSICORN_WORKER_INDEX,SEASON')
    process.kill(newArbiter, 'SIGTERM')
    await server.ended
  })

  it('runs the Node that a symbolic link leads to by now', async () => {
    const folder = makeFolder()
    const copy = join(folder, 'other-node')
    copyFileSync(process.execPath, copy)
    await changeNode(folder, process.execPath, copy)
  })

  it('goes from Node 22 to a later one without a failed request (OLD_NODE has the path of a Node 22)', async function () {
    const { OLD_NODE: old } = process.env
    if (old === undefined) return this.skip()
    await changeNode(makeFolder(), old, process.execPath)
  })

  /** Upgrades under load, after a link to one Node was made a link to another one. */
  async function changeNode(folder: string, before: string, after: string): Promise<void> {
    writeFileSync(join(folder, 'app.mjs'), 'export default (req, res) => res.end(process.execPath)\n')
    const node = join(folder, 'node')
    symlinkSync(before, node)
    const command = [node, join(import.meta.dirname, '../../../daemon/tsicorn.js')] as const
    const server = launch({ folder, command, args: ['-b', '127.0.0.1:0', '-w', '2', './app.mjs'] })
    const url = await server.running()
    expect(await fresh(url)).to.equal(before)
    const loads = [true, false].map(keepAlive => new Load({ url, clients: 4, keepAlive }))
    unlinkSync(node)
    symlinkSync(after, node)
    const newArbiter = await upgrade(server)
    await retire(server, server.pid)
    for (const load of loads) await load.answered(20)
    for (const load of loads) expect((await load.stop()).failures).to.deep.equal([])
    expect(await fresh(url)).to.equal(after)
    process.kill(newArbiter, 'SIGTERM')
    await server.ended
  }

  it('follows a working folder that is a symbolic link', async () => {
    const folder = makeFolder({ 'v1/app.mjs': hello, 'v2/app.mjs': hello.replace('one', 'two') })
    const link = join(folder, 'current')
    symlinkSync('v1', link)
    const server = launch({ folder: link, args: ['-b', '127.0.0.1:0', './app.mjs'] })
    const url = await server.running()
    unlinkSync(link)
    symlinkSync('v2', link)
    const newArbiter = await upgrade(server)
    await retire(server, server.pid)
    expect(await fresh(url)).to.equal('two')
    process.kill(newArbiter, 'SIGTERM')
    await server.ended
  })

  describe('with TERM before the new arbiter serves', () => {
    /** Its workers are not ready before there is a file `go`; then they fail, or serve. */
    const waiting = (end: string) => `import { existsSync } from 'node:fs'
      while (!existsSync('go')) await new Promise(resolve => setTimeout(resolve, 20))
      ${end}`

    async function termBeforeReady(end: string, app = hello) {
      const server = launch({
        args: ['-b', '127.0.0.1:0', '-w', '2', './app.mjs'],
        files: { 'app.mjs': app },
        errors: true,
      })
      const url = await server.running()
      server.write('app.mjs', waiting(end))
      server.signal('SIGUSR2')
      await server.says(/Upgrading: the new arbiter starts/)
      server.signal('SIGTERM')
      await server.says(/Stopping as soon as the new arbiter serves/)
      expect(await fresh(url)).to.equal('one')
      return { server, url }
    }

    it('resets nobody who waits when the new arbiter fails, and the server stops', async () => {
      const { server, url } = await termBeforeReady(`throw new Error('no database')`)
      const outcomes: string[] = []
      const client = async () => {
        for (;;) {
          const outcome = await fresh(url).catch((error: Error) => codeOf(error))
          outcomes.push(outcome)
          if (outcome !== 'one') return
          await sleep(50)
        }
      }
      const clients = Promise.all(Array.from({ length: 10 }, client))
      server.write('go', '')
      await server.says(/The new arbiter ended[\s\S]*Stopping: the workers finish what they have/)
      expect(await server.ended).to.deep.equal({ code: 0, signal: null })
      await clients
      // Few may come in the moment in which the kernel closes a queue that was empty; all of them wait in one that was not.
      expect(outcomes.filter(outcome => outcome === 'ECONNRESET').length).to.be.below(5)
      expect(new Set(outcomes)).to.include('one').and.to.include('ECONNREFUSED')
    })

    it('goes on with the new arbiter as soon as that serves', async () => {
      const { server, url } = await termBeforeReady(hello.replace('one', 'two'))
      const load = new Load({ url, clients: 4, keepAlive: false })
      await load.answered(10)
      server.write('go', '')
      const [, newArbiter] = await server.says(
        /Stopping: the new arbiter goes on \(pid (\d+)\)[\s\S]*Promoted/,
      )
      await load.answered(10)
      expect((await load.stop()).failures).to.deep.equal([])
      expect(await fresh(url)).to.equal('two')
      process.kill(Number(newArbiter), 'SIGTERM')
      await server.ended
    })

    it('stops gracefully when asked twice, also when the new arbiter ends after that', async () => {
      const patient = `import { existsSync } from 'node:fs'
        const answer = (res, isOver) => (isOver() ? res.end('one') : setTimeout(answer, 20, res, isOver))
        export default (req, res) => answer(res, () => req.url === '/' || existsSync('over'))`
      const { server, url } = await termBeforeReady(`throw new Error('no database')`, patient)
      const answer = fresh(`${url}/patient`)
      expect(await fresh(url)).to.equal('one')
      await insist(server)
      await server.says(/Stopping: the workers finish what they have/)
      server.write('go', '')
      await server.says(/The new arbiter ended/)
      server.write('over', '')
      expect(await answer).to.equal('one')
      expect(await server.ended).to.deep.equal({ code: 0, signal: null })
      expect(server.log).not.to.contain('Stopping: the workers leave at once')
    })

    it('stops at once when asked twice: who waits is served first, and who comes later by the new arbiter', async () => {
      const { server, url } = await termBeforeReady(hello.replace('one', 'two'))
      await insist(server)
      await server.says(/Stopped/)
      await eventually('the old arbiter is gone', () => !isAlive(server.pid))
      const answer = fresh(url)
      server.write('go', '')
      expect(await answer).to.equal('two')
      const [newArbiter] = Array.from(
        server.log.matchAll(/the new arbiter starts \(pid (\d+)\)/g),
        ([, pid]) => Number(pid),
      )
      process.kill(newArbiter as number, 'SIGTERM')
      await server.ended
    })
  })

  it('works with reuse_port', async () => {
    const port = await freePort()
    const args = ['-b', `127.0.0.1:${port}`, '--reuse-port', '-w', '2', testApp('hello.ts')]
    const server = launch({ args })
    await server.running()
    const newArbiter = await upgrade(server)
    await retire(server, server.pid)
    expect(await fresh(`http://127.0.0.1:${port}`)).to.equal('hello')
    process.kill(newArbiter, 'SIGTERM')
    await server.ended
  })
})

/** The code of the system's error, wherever `fetch` or `http` has put it. */
function codeOf(error: Error): string {
  const { code } = (error.cause ?? error) as NodeJS.ErrnoException
  return code ?? error.message
}
