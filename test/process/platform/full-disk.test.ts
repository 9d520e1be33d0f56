/** Lines of the access log wait while the disk is full, and those that never find room are counted. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { eventually, launch, makeFolder, type Tsicorn } from '../../support/tsicorn.ts'

const config = (answer: string) => `export default {
  app: './app.mjs', bind: '127.0.0.1:0', accesslog: 'disk/access.log', access_log_format: '%(U)s', graceful_timeout: 20,
  raw_env: ['ANSWER=${answer}'],
}`

const mounted: string[] = []

/** A folder on a disk of 64 KiB, which is full. */
function fullDisk(folder: string): string {
  const disk = join(folder, 'disk')
  mkdirSync(disk)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tsicorn-test', disk])
  mounted.push(disk)
  spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'filler')}`, 'bs=4096'])
  return disk
}

function mayMount(): boolean {
  if (process.getuid?.() !== 0) return false
  const folder = makeFolder()
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tsicorn-test', folder])
  if (status === 0) execFileSync('umount', [folder])
  rmSync(folder, { recursive: true })
  return status === 0
}

describe('a disk that is full (root only)', () => {
  before(function () {
    if (!mayMount()) this.skip()
  })
  // What is still open there keeps nobody from it.
  after(() => {
    for (const disk of mounted) {
      execFileSync('umount', ['--lazy', disk])
      rmSync(join(disk, '..'), { recursive: true })
    }
  })

  async function start(): Promise<{ server: Tsicorn; disk: string; url: string }> {
    const folder = makeFolder({
      'app.mjs': `export default (req, res) => res.end(process.env.ANSWER)`,
      'tsicorn.config.mjs': config('first'),
    })
    const disk = fullDisk(folder)
    const server = launch({ folder, errors: true })
    const url = await server.running()
    for (let n = 0; n < 3; n += 1) await (await fetch(`${url}/${n}`)).text()
    await server.says(/Cannot write to .*access\.log".*: lines wait in memory/)
    return { server, disk, url }
  }

  it('loses no line of the access log to a reload where there is room soon', async () => {
    const { server, disk, url } = await start()
    server.write('tsicorn.config.mjs', config('second'))
    server.signal('SIGHUP')
    await eventually(
      'the new worker serves',
      async () => (await (await fetch(`${url}/x`)).text()) === 'second',
    )
    rmSync(join(disk, 'filler'))
    await server.says(/Reload 1: generation 2 serves/)
    await server.stop()
    const lines = readFileSync(join(disk, 'access.log'), 'utf8').split('\n')
    expect(lines).to.include.members(['/0', '/1', '/2', '/x'])
    expect(server.log).not.to.match(/[1-9]\d* lines were lost/)
  })

  it('costs the lines that find no room until graceful_timeout, and they are counted', async () => {
    const { server } = await start()
    server.signal('SIGQUIT')
    await server.says(/Cannot write to .*access\.log" before it is closed: 3 lines were lost/)
    expect((await server.ended).code).to.equal(0)
  })
})
