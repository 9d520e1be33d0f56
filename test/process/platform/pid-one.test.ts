/** A server as the first process of a container, where it inherits orphans that are none of its workers. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { fresh } from '../../support/requests.ts'
import { childrenOf, eventually, freePort, makeFolder } from '../../support/tsicorn.ts'

const command = join(import.meta.dirname, '../../../daemon/tsicorn.js')

// As the first process of a container. The pids in its log are those of its namespace, so the usual harness, which
// looks after the pids in a log, is not for this one.
describe('as process 1 of a pid namespace (root only)', () => {
  const folder = makeFolder({
    'app.mjs': `
      import { spawn } from 'node:child_process'
      // The grandchild loses its parent, and process 1 inherits it.
      spawn('sh', ['-c', 'sleep 0.2 &'])
      export default (req, res) => res.end('contained')`,
  })
  let outside: ChildProcess
  let log = ''

  before(function () {
    if (spawnSync('unshare', ['-p', '-f', '--mount-proc', 'true']).status !== 0) this.skip()
  })

  after(() => {
    outside?.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  })

  it('serves, takes no foreign orphan for a worker, and ends by TERM with code 0', async () => {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const args = ['-b', `127.0.0.1:${port}`, '-w', '2', './app.mjs']
    outside = spawn(
      'unshare',
      ['-p', '-f', '--kill-child', '--mount-proc', process.execPath, command, ...args],
      { cwd: folder, detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    for (const stream of [outside.stdout, outside.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        log += text
      })
    }
    const ended = once(outside, 'exit')
    await eventually('it runs', () => log.includes('Running: 2 workers'))
    const [arbiter] = childrenOf(outside.pid as number) as [number]
    await eventually('it has inherited the orphans', () => childrenOf(arbiter).length === 4)
    expect(await fresh(url)).to.equal('contained')
    process.kill(arbiter, 'SIGHUP')
    await eventually('it has reloaded', () => log.includes('generation 2 serves (2 workers'))
    expect(await fresh(url)).to.equal('contained')
    process.kill(arbiter, 'SIGTERM')
    expect(await ended).to.deep.equal([0, null])
    expect(log).not.to.match(/ERROR|WARNING|CRITICAL/)
    expect(log.match(/exited with code 0/g)).to.have.length(4)
  })
})
