/** To ask a stuck worker for its stack opens no port and runs nothing of the app, and nor does USR1. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { expect } from 'chai'
import { isAlive, launch, launchApp } from '../../support/tsicorn.ts'

/** The sockets of a process that listen, as the kernel numbers them. */
function listening(pid: number): string[] {
  try {
    const own = readdirSync(`/proc/${pid}/fd`).map(fd => readlinkSync(`/proc/${pid}/fd/${fd}`))
    const rows = ['tcp', 'tcp6'].flatMap(table =>
      readFileSync(`/proc/${pid}/net/${table}`, 'utf8').split('\n'),
    )
    const open = rows.map(row => row.trim().split(/\s+/)).filter(([, , , state]) => state === '0A')
    return open.flatMap(([, , , , , , , , , inode]) =>
      own.includes(`socket:[${inode}]`) ? [inode as string] : [],
    )
  } catch (error) {
    // Closed, or gone, while it was looked at.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

describe('a worker that is asked where it stands', () => {
  before(function () {
    if (process.platform !== 'linux') this.skip()
  })

  it('opens no port to anybody meanwhile, and nothing but the log tells of it', async () => {
    const server = launchApp('hang.ts', ['--timeout', '1'], { errors: true })
    const url = await server.running()
    const [worker = 0] = server.workers
    const before = listening(worker)
    expect(before).to.have.length(1)
    const cut = fetch(`${url}/hang`).catch(() => 'cut')
    const seen = new Set<string>()
    while (isAlive(worker)) {
      for (const socket of listening(worker)) seen.add(socket)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    expect(await cut).to.equal('cut')
    await server.says(/WORKER TIMEOUT: .*\nIt stands\n *at blockForEver/)
    expect([...seen]).to.deep.equal(before)
    expect(server.log).not.to.match(/Debugger|inspector/)
  })

  it('is asked of a thread in which nothing of the app is loaded', async () => {
    const server = launch({
      files: {
        'app.mjs': `export default (req, res) => { res.end(); for (let n = 0; ; n += 1) globalThis.n = n }`,
        'preload.cjs': `process._rawDebug('preloaded in thread', require('node:worker_threads').threadId)`,
      },
      args: ['-b', '127.0.0.1:0', '--timeout', '1', './app.mjs'],
      env: { NODE_OPTIONS: '--require ./preload.cjs' },
      errors: true,
    })
    const url = await server.running()
    await fetch(url).catch(() => undefined)
    await server.says(/WORKER TIMEOUT: .*\nIt stands\n *at .*app\.mjs:1:/)
    expect(server.log).not.to.match(/preloaded in thread [1-9]/)
  })

  it('has no name by which a line of the log could be forged', async () => {
    const name = String.raw`\r[2026-01-01 00:00:00 +0000] [1] [CRITICAL] forged\u2028\u001b[2J`
    const server = launch({
      files: {
        'app.mjs': `const app = { '${name}'() { for (;;); } }\nexport default (_req, _res) => app['${name}']()`,
      },
      args: ['-b', '127.0.0.1:0', '--timeout', '1', './app.mjs'],
      errors: true,
    })
    const url = await server.running()
    await fetch(url).catch(() => undefined)
    await server.says(
      /WORKER TIMEOUT: .*\nIt stands\n *at .*\\x0d\[2026-.*forged\\u2028\\x1b\[2J \(.*app\.mjs:1:/,
    )
  })

  for (const [who, pidOf] of [
    ['a worker', (server: { workers: number[] }) => server.workers[0]],
    ['the arbiter', (server: { pid: number }) => server.pid],
  ] as const) {
    it(`USR1 opens no port of ${who}`, async () => {
      const server = launchApp('hello.ts', ['--no-timeout-stack'])
      const url = await server.running()
      const pid = pidOf(server) as number
      const before = listening(pid)
      for (let n = 0; n < 3; n += 1) process.kill(pid, 'SIGUSR1')
      for (let n = 0; n < 5; n += 1) expect(await (await fetch(url)).text()).to.equal('hello')
      expect(listening(pid)).to.deep.equal(before)
      expect(server.workers).to.have.length(1)
      expect(server.log).not.to.match(/Debugger/)
    })
  }
})
