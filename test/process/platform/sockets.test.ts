/** Sockets that are inherited, of unix, or one for each worker, through reloads and upgrades, and their files. */
import { existsSync, readdirSync, rmSync, statSync, unlinkSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { Load } from '../../support/http/load.ts'
import { overUnixSocket } from '../../support/requests.ts'
import { eventually, freePort, isAlive, type LaunchOptions, launch, testApp } from '../../support/tsicorn.ts'
import { retire, upgrade } from '../../support/upgrading.ts'

const command = join(import.meta.dirname, '../../../daemon/tsicorn.js')
const servers: Server[] = []

/** A listening socket that nobody accepts from, as a socket unit of systemd has it. */
async function listeningSocket(): Promise<{ readonly fd: number; readonly port: number }> {
  const port = await freePort()
  // The handle is listened on without a callback for connections, so that this process takes none.
  const server = createServer()
  servers.push(server)
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  const { _handle } = server as unknown as { _handle: { fd: number; onconnection: unknown } }
  return { fd: _handle.fd, port }
}

/** As systemd does it: the variable names the process that is meant. */
function activated(
  variables: string,
  descriptors: readonly number[],
  args: readonly string[],
): LaunchOptions {
  const script = `export LISTEN_PID=$$ ${variables}; exec "${process.execPath}" "${command}" "$@"`
  return { command: ['/bin/sh', '-c', script, 'sh'], args, descriptors }
}

async function answer(url: string): Promise<string> {
  return await (await fetch(url, { headers: { connection: 'close' } })).text()
}

describe('inherited sockets', () => {
  afterEach(() => {
    for (const server of servers.splice(0)) server.close()
  })

  it('are served by fd://N, through reloads and an upgrade', async () => {
    const { fd, port } = await listeningSocket()
    const server = launch({ args: ['-b', 'fd://3', testApp('hello.ts')], descriptors: [fd] })
    await server.says(new RegExp(`Listening at: http://127\\.0\\.0\\.1:${port}`))
    await server.says(/Running/)
    servers.pop()?.close()
    expect(await answer(`http://127.0.0.1:${port}`)).to.equal('hello')
    await server.reload()
    expect(await answer(`http://127.0.0.1:${port}`)).to.equal('hello')
    server.signal('SIGUSR2')
    const [, newArbiter] = await server.says(/The new arbiter serves beside this one \(pid (\d+)\)/)
    server.signal('SIGTERM')
    await server.says(/Promoted/)
    expect(await answer(`http://127.0.0.1:${port}`)).to.equal('hello')
    process.kill(Number(newArbiter), 'SIGTERM')
    await server.ended
  })

  it('of systemd take the place of bind, through a reload and an upgrade', async () => {
    const [a, b] = [await listeningSocket(), await listeningSocket()]
    const args = ['-b', '127.0.0.1:1', testApp('hello.ts')]
    const server = launch(activated('LISTEN_FDS=2 LISTEN_FDNAMES=web:admin', [a.fd, b.fd], args))
    await server.says(/Running/)
    for (const one of servers.splice(0)) one.close()
    const all = async () => {
      for (const { port } of [a, b]) expect(await answer(`http://127.0.0.1:${port}`)).to.equal('hello')
    }
    await all()
    await server.reload()
    await all()
    server.signal('SIGUSR2')
    const [, newArbiter] = await server.says(/The new arbiter serves beside this one \(pid (\d+)\)/)
    server.signal('SIGTERM')
    await server.says(/Promoted/)
    await all()
    process.kill(Number(newArbiter), 'SIGTERM')
    await server.ended
  })

  it('that are announced for another process are left alone', async () => {
    const port = await freePort()
    const server = launch({
      args: ['-b', `127.0.0.1:${port}`, testApp('hello.ts')],
      env: { LISTEN_PID: '1', LISTEN_FDS: '1' },
    })
    await server.running()
    expect(await answer(`http://127.0.0.1:${port}`)).to.equal('hello')
  })

  it('that do not exist end the start with one clear message', async () => {
    const server = launch({ ...activated('LISTEN_FDS=4', [], [testApp('hello.ts')]), errors: true })
    expect(await server.ended).to.deep.equal({ code: 1, signal: null })
    expect(server.log).to.match(/Cannot start: Cannot take over activated:\d: descriptor \d .*LISTEN_FDS/)
  })

  it('by a number that is no socket end the start with one clear message', async () => {
    const server = launch({ args: ['-b', 'fd://0', testApp('hello.ts')], errors: true })
    expect(await server.ended).to.deep.equal({ code: 1, signal: null })
    expect(server.log).to.match(/Cannot take over fd:\/\/0: descriptor 0 is not an open socket: check bind/)
  })
})

describe('unix sockets', () => {
  it('of a live server are not taken over', async () => {
    const first = launch({ args: ['-b', 'unix:app.sock', testApp('hello.ts')] })
    await first.running()
    const second = launch({
      folder: first.folder,
      args: ['-b', 'unix:app.sock', testApp('hello.ts')],
      errors: true,
    })
    expect(await second.ended).to.deep.equal({ code: 1, signal: null })
    expect(second.log).to.match(/Cannot bind unix:.*app\.sock: the address is in use/)
    expect(existsSync(join(first.folder, 'app.sock'))).to.equal(true)
    expect(isAlive(first.pid)).to.equal(true)
  })
})

describe('the file of a unix socket', () => {
  it('that somebody removed is there again after HUP, with its mode, and goes at the end', async () => {
    const server = launch({
      args: ['-b', 'unix:app.sock', '-m', '0117', './app.mjs'],
      files: { 'app.mjs': `export default (req, res) => res.end('here')\n` },
    })
    await server.running()
    const path = join(server.folder, 'app.sock')
    const descriptors = readdirSync(`/proc/${server.pid}/fd`).length
    for (let round = 0; round < 2; round += 1) {
      unlinkSync(path)
      await server.reload()
      expect(await overUnixSocket(path)).to.equal('here')
      expect(statSync(path, { bigint: true }).mode & 0o777n).to.equal(0o660n)
    }
    await eventually('as many descriptors as before', () => {
      return readdirSync(`/proc/${server.pid}/fd`).length === descriptors
    })
    const newArbiter = await upgrade(server)
    unlinkSync(path)
    await retire(server, server.pid)
    process.kill(newArbiter, 'SIGHUP')
    await server.says(/generation 2 serves/)
    expect(await overUnixSocket(path)).to.equal('here')
    expect(readdirSync(server.folder).sort()).to.deep.equal(['app.mjs', 'app.sock', 'node_modules'])
    process.kill(newArbiter, 'SIGTERM')
    await server.ended
    expect(existsSync(path)).to.equal(false)
  })
})

describe('the folder of a unix socket', () => {
  it('that is gone keeps no reload from its end, and comes to be said', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-b', 'unix:run/app.sock', './app.mjs'],
      files: { 'app.mjs': `export default (req, res) => res.end('here')\n`, 'run/.keep': '' },
      errors: true,
    })
    const url = await server.running()
    rmSync(join(server.folder, 'run'), { recursive: true })
    await server.reload()
    expect(server.log).to.match(/ERROR\] The file of unix:.*app\.sock is gone: /)
    expect(await answer(url)).to.equal('here')
  })
})

describe('reuse_port', () => {
  it('needs a host that is known', async () => {
    const server = launch({
      args: ['-b', 'no.such.host.invalid:80', '--reuse-port', testApp('hello.ts')],
      errors: true,
    })
    expect((await server.ended).code).to.equal(1)
    expect(server.log).to.match(
      /Cannot bind no\.such\.host\.invalid:80: the host name (is not known|cannot be looked up)/,
    )
  })

  it('serves from a socket of each worker, warns of the risk, and drains their queues on reload', async () => {
    const port = await freePort()
    const server = launch({
      args: ['-b', `127.0.0.1:${port}`, '--reuse-port', '-w', '2', testApp('hello.ts')],
    })
    await server.running()
    expect(server.log).to.match(/\[WARNING\] reuse_port: .*tcp_migrate_req/)
    const load = new Load({ url: `http://127.0.0.1:${port}`, clients: 4, keepAlive: true })
    await load.answered(50)
    await server.reload()
    await load.answered(50)
    expect((await load.stop()).failures).to.deep.equal([])
    await eventually('two workers', () => server.workers.length === 2)
  })

  it('serves an app that listens by itself', async () => {
    const port = await freePort()
    const server = launch({
      args: ['-b', `127.0.0.1:${port}`, '--reuse-port', '-w', '2', testApp('listens.ts')],
    })
    await server.running()
    expect(await answer(`http://127.0.0.1:${port}`)).to.equal('listens')
  })
})
