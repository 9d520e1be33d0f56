/** The files of control sockets: each server has exactly one, whatever became of others. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { expect } from 'chai'
import { eventually, isAlive, launch, makeFolder, type Tsicorn } from '../../support/tsicorn.ts'
import { socketOf, tsicornc } from '../../support/tsicornc.ts'
import { retire, upgrade } from '../../support/upgrading.ts'

const hello = `export default (req, res) => res.end('hello')`
const args = ['-b', '127.0.0.1:0', '-p', 'app.pid', '--control-socket', 'app.ctl', './app.mjs']

/** Those of all servers of these tests: one that was killed leaves its own behind. */
function socketFiles(server: Tsicorn): string[] {
  return readdirSync(dirname(socketOf(server)))
}

async function pidAt(socket: string): Promise<number> {
  const { stdout } = await tsicornc('--socket', socket, '-j', 'hello')
  return JSON.parse(stdout).pid
}

describe('the file of a control socket', () => {
  it('is there after every one of several upgrades', async () => {
    const server = launch({ args, files: { 'app.mjs': hello } })
    await server.running()
    const socket = join(server.folder, 'app.ctl')
    const ofOthers = socketFiles(server).filter(name => name !== basename(socketOf(server)))
    for (let count = 0; count < 2; count += 1) {
      const { code } = await tsicornc('--socket', socket, 'upgrade', '--bake', '0')
      expect(code).to.equal(0)
      await server.says(/Promoted/)
      expect(await pidAt(socket)).to.equal(Number(server.read('app.pid')))
      expect(existsSync(`${socket}.2`)).to.equal(false)
      const own = () => socketFiles(server).filter(name => !ofOthers.includes(name))
      await eventually('it is the only one', () => own().length === 1)
    }
    const pid = Number(server.read('app.pid'))
    expect((await tsicornc('--socket', socket, 'shutdown')).code).to.equal(0)
    await eventually('it is gone', () => !isAlive(pid))
    expect(existsSync(socket)).to.equal(false)
  })

  it('is not taken from another server, nor from another file, by one that is promoted', async () => {
    const config = (socket: string) =>
      `export default { app: './app.mjs', bind: '127.0.0.1:0', control_socket: '${socket}' }`
    const folder = makeFolder({
      'app.mjs': hello,
      'a.mjs': config('a.ctl'),
      'b.mjs': config('b.ctl'),
      file: 'data',
    })
    const other = launch({ folder, args: ['-c', 'b.mjs'] })
    await other.running()
    for (const [name, why] of [
      ['b.ctl', /The control socket stays at .*b.ctl.2: .* another process listens there/],
      ['file', /The control socket stays at .*file.2: .* there is a file that is no socket/],
    ] as const) {
      const server = launch({ folder, args: ['-c', 'a.mjs'] })
      await server.running()
      server.write('a.mjs', config(name))
      const pid = await upgrade(server)
      await retire(server, server.pid)
      expect(server.log).to.match(why)
      expect(await pidAt(join(folder, `${name}.2`))).to.equal(pid)
      process.kill(pid, 'SIGTERM')
      await server.ended
      server.write('a.mjs', config('a.ctl'))
    }
    expect(await pidAt(join(folder, 'b.ctl'))).to.equal(other.pid)
    expect(readFileSync(join(folder, 'file'), 'utf8')).to.equal('data')
  })

  it('that a killed server had is taken over, and its link means nobody', async () => {
    const folder = makeFolder({ 'app.mjs': hello })
    const killed = launch({ folder, args })
    await killed.running()
    killed.signal('SIGKILL')
    await killed.ended
    const server = launch({ folder, args })
    await server.running()
    // This user may have other servers.
    const { stdout } = await tsicornc('list')
    expect(stdout)
      .to.match(new RegExp(`^ *${server.pid} `, 'm'))
      .and.not.to.match(new RegExp(`^ *${killed.pid} `, 'm'))
    await server.stop()
    expect(readdirSync(dirname(socketOf(server)))).to.deep.equal([])
  })
})
