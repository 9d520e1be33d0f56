import { existsSync, readdirSync, readFileSync, symlinkSync, unlinkSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { expect } from 'chai'
import { Load } from '../load.ts'
import {
  eventually,
  freePort,
  isAlive,
  launch,
  launchApp,
  makeFolder,
  type Tsicorn,
  testApp,
} from '../tsicorn.ts'

const hello = `export default (req, res) => res.end('one')\n`

/** Sends USR2 to an arbiter and waits until its heir serves; the heir's process id. */
async function upgrade(server: Tsicorn, pid = server.pid): Promise<number> {
  process.kill(pid, 'SIGUSR2')
  const [, heir] = await server.says(/The heir serves beside this arbiter \(pid (\d+)\)/)
  return Number(heir)
}

/** Ends the arbiter before an heir, and waits until the heir knows. */
async function retire(server: Tsicorn, pid: number, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  process.kill(pid, signal)
  await server.says(/Promoted/)
  await eventually('the old arbiter is gone', () => !isAlive(pid))
}

function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

async function fresh(url: string): Promise<string> {
  return await (await fetch(url, { headers: { connection: 'close' } })).text()
}

async function overUnixSocket(socketPath: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    get({ socketPath, path: '/', agent: false }, response => {
      response.setEncoding('utf8').on('data', resolve)
    }).once('error', reject)
  })
}

describe('upgrade', () => {
  it('hands the sockets to an heir, on the same random port, and the old arbiter leaves', async () => {
    const server = launch({ args: ['-b', '127.0.0.1:0', './app.mjs'], files: { 'app.mjs': hello } })
    const url = await server.running()
    server.write('app.mjs', hello.replace('one', 'two'))
    const heir = await upgrade(server)
    await retire(server, server.pid)
    expect(await fresh(url)).to.equal('two')
    expect(isAlive(heir)).to.equal(true)
    process.kill(heir, 'SIGTERM')
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
  })

  it('is followed by further upgrades, with a constant number of descriptors and 0 failed requests', async () => {
    const server = launchApp('hello.ts', ['-w', '2'])
    const url = await server.running()
    const loads = [true, false].map(keepAlive => new Load({ url, clients: 4, keepAlive }))
    let pid = server.pid
    const counts: number[] = []
    for (let round = 0; round < 5; round += 1) {
      const heir = await upgrade(server, pid)
      await retire(server, pid)
      pid = heir
      for (const load of loads) await load.answered(20)
      await eventually('two workers', () => childrenCount(pid) === 2)
      counts.push(descriptors(pid))
    }
    for (const load of loads) expect((await load.stop()).failures).to.deep.equal([])
    expect(new Set(counts).size, `descriptors ${counts}`).to.equal(1)
    process.kill(pid, 'SIGTERM')
    await server.ended
  }).timeout(90_000)

  it('keeps the file of a unix socket while somebody of the lineage serves on it', async () => {
    const server = launch({ args: ['-b', 'unix:app.sock', './app.mjs'], files: { 'app.mjs': hello } })
    const path = join(server.folder, 'app.sock')
    await server.running()
    const heir = await upgrade(server)
    process.kill(heir, 'SIGTERM')
    await server.says(/The heir ended/)
    expect(await overUnixSocket(path)).to.equal('one')
    const second = await upgrade(server)
    await retire(server, server.pid)
    expect(await overUnixSocket(path)).to.equal('one')
    process.kill(second, 'SIGTERM')
    await server.ended
    expect(existsSync(path)).to.equal(false)
  })

  it('is taken back by ending the heir, and can be tried again', async () => {
    const server = launchApp('hello.ts', ['-w', '2'], { errors: true })
    const url = await server.running()
    const load = new Load({ url, clients: 4, keepAlive: false })
    for (const signal of ['SIGTERM', 'SIGQUIT'] as const) {
      const heir = await upgrade(server)
      await load.answered(10)
      process.kill(heir, signal)
      await server.says(/The heir ended \(pid \d+\) with code 0: this arbiter goes on/)
      await load.answered(10)
      if (signal === 'SIGTERM') expect(load.tally.failures).to.deep.equal([])
    }
    await load.stop()
    expect(await fresh(url)).to.equal('hello')
  })

  it('is taken back after WINCH: HUP brings the old workers back', async () => {
    const server = launchApp('pid.ts', ['-w', '2'], { errors: true })
    const url = await server.running()
    const heir = await upgrade(server)
    server.signal('SIGWINCH')
    await eventually('only the heir serves', () => server.workers.length === 1 && server.workers[0] === heir)
    server.signal('SIGHUP')
    await server.says(/generation 2 serves/)
    process.kill(heir, 'SIGTERM')
    await server.says(/The heir ended/)
    await eventually('two workers', () => server.workers.length === 2)
    const { pid } = JSON.parse(await fresh(url)) as { pid: number }
    expect(server.workers).to.include(pid)
  })

  it('survives kill -9 of either', async () => {
    const server = launchApp('hello.ts', ['-w', '1'], { errors: true })
    const url = await server.running()
    const heir = await upgrade(server)
    process.kill(heir, 'SIGKILL')
    await server.says(/The heir ended \(pid \d+\) with SIGKILL/)
    expect(await fresh(url)).to.equal('hello')
    const second = await upgrade(server)
    await retire(server, server.pid, 'SIGKILL')
    expect(await fresh(url)).to.equal('hello')
    process.kill(second, 'SIGTERM')
    await eventually('the heir is gone', () => !isAlive(second))
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
    await server.says(/The heir ended \(pid \d+\) with code 3: this arbiter goes on/)
    expect(await fresh(url)).to.equal('one')
    server.write('tsicorn.config.mjs', 'export default { timout: 3 }')
    server.signal('SIGUSR2')
    await server.says(/timout is not a setting/)
    await server.says(/The heir ended \(pid \d+\) with code 1/)
    unlinkSync(join(server.folder, 'tsicorn.config.mjs'))
    server.write('app.mjs', hello.replace('one', 'two'))
    const heir = await upgrade(server)
    await retire(server, server.pid)
    expect(await fresh(url)).to.equal('two')
    process.kill(heir, 'SIGTERM')
    await server.ended
  })

  it('is refused while an heir lives, and by an heir that is not promoted', async () => {
    const server = launchApp('hello.ts')
    await server.running()
    const heir = await upgrade(server)
    server.signal('SIGUSR2')
    await server.says(/Not upgrading: an heir lives already/)
    process.kill(heir, 'SIGUSR2')
    await server.says(/Not upgrading: this arbiter is an heir itself/)
    process.kill(heir, 'SIGHUP')
    await server.says(/generation 2 serves/)
    await retire(server, server.pid)
    process.kill(heir, 'SIGTERM')
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

  it('leaks no variable to the heir or its workers', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-e', 'SEASON=spring', './app.mjs'],
      files: {
        'app.mjs': `export default (req, res) => res.end(Object.keys(process.env).filter(name => /^(TSICORN|LISTEN|SEASON)/.test(name)).join())`,
      },
    })
    const url = await server.running()
    const heir = await upgrade(server)
    await retire(server, server.pid)
    expect(await fresh(url)).to.equal('SEASON')
    process.kill(heir, 'SIGTERM')
    await server.ended
  })

  it('runs the Node that a symbolic link leads to by now', async () => {
    const folder = makeFolder({ 'app.mjs': `export default (req, res) => res.end(process.execPath)\n` })
    const node = join(folder, 'node')
    symlinkSync(process.execPath, node)
    const command = [node, join(import.meta.dirname, '../../daemon/tsicorn.js')] as const
    const server = launch({ folder, command: [...command], args: ['-b', '127.0.0.1:0', './app.mjs'] })
    const url = await server.running()
    const copy = join(folder, 'other-node')
    const { copyFileSync } = await import('node:fs')
    copyFileSync(process.execPath, copy)
    unlinkSync(node)
    symlinkSync(copy, node)
    const heir = await upgrade(server)
    await retire(server, server.pid)
    expect(await fresh(url)).to.equal(copy)
    process.kill(heir, 'SIGTERM')
    await server.ended
  })

  it('works with reuse_port', async () => {
    const port = await freePort()
    const args = ['-b', `127.0.0.1:${port}`, '--reuse-port', '-w', '2', testApp('hello.ts')]
    const server = launch({ args })
    await server.running()
    const heir = await upgrade(server)
    await retire(server, server.pid)
    expect(await fresh(`http://127.0.0.1:${port}`)).to.equal('hello')
    process.kill(heir, 'SIGTERM')
    await server.ended
  })
})

function childrenCount(pid: number): number {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).length
}
