/** Where the system cannot start or end a worker, the log says so, and a server that runs goes on. */
import { spawn, spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { openFolder } from '../../support/daemons.ts'
import { eventually, isAlive, launch, makeFolder, type Tsicorn } from '../../support/tsicorn.ts'

const tsicorn = fileURLToPath(new URL('../../../daemon/tsicorn.js', import.meta.url))

const app = `export default (req, res) => res.end('here')\n`

const config = (more = '') =>
  `export default { app: './app.mjs', bind: ['127.0.0.1:0'], workers: 2, chdir: './home', ${more} }`

function start(more = ''): Tsicorn {
  return launch({ files: { 'home/app.mjs': app, 'tsicorn.config.mjs': config(more) }, errors: true })
}

const stuckApp = `export default (req, res) => { if (req.url === '/stuck') for (;;); res.end('here') }`

async function answer(url: string): Promise<string> {
  return await (await fetch(url, { headers: { connection: 'close' } })).text()
}

function killOne(server: Tsicorn): void {
  process.kill(server.workers[0] as number, 'SIGKILL')
}

/** What becomes of the working folder of the workers, and what is said about it. */
const folders: Record<string, { readonly spoil: (path: string) => void; readonly says: RegExp }> = {
  'a file': {
    spoil: path => writeFileSync(path, ''),
    says: /could not be started: spawn ENOTDIR: its working folder ".*home" is no folder: correct chdir/,
  },
  'a link in a circle': {
    spoil: path => symlinkSync('home', path),
    says: /could not be started: spawn ELOOP: its working folder ".*home" cannot be used .*too many symbolic links/,
  },
  nothing: {
    spoil: () => undefined,
    says: /could not be started: spawn .*ENOENT: its working folder ".*home" cannot be used .*no such file/,
  },
}

describe('a worker that cannot be started', function () {
  this.timeout(240_000)

  for (const [what, { spoil, says }] of Object.entries(folders)) {
    for (const hook of ['', 'pre_fork() {}']) {
      it(`because its folder became ${what} is tried again${hook && ', after a hook as well'}`, async () => {
        const server = start(hook)
        const url = await server.running()
        const home = join(server.folder, 'home')
        renameSync(home, `${home}-before`)
        spoil(home)
        killOne(server)
        await server.says(says)
        await server.says(/workers in a row ended early: the next one starts in/)
        expect(await answer(url)).to.equal('here')
        rmSync(home, { force: true })
        renameSync(`${home}-before`, home)
        await eventually('two workers', () => server.workers.length === 2)
      })
    }
  }

  it('because files are open up to the limit ends the reload, and nothing else', async function () {
    const server = start()
    const url = await server.running()
    const limit = (count: number) =>
      spawnSync('prlimit', ['--pid', `${server.pid}`, `--nofile=${count}:4096`])
    if (limit(8).status !== 0) return this.skip()
    server.write('tsicorn.config.mjs', config(`keepalive: 3`))
    await server.reload(
      /generation 1 keeps serving: .*Cannot load it: spawn \S+ EMFILE: too many files are open/,
    )
    expect(await answer(url)).to.equal('here')
    limit(4_096)
    await server.reload(/Reload 2: generation \d+ serves/)
    expect(server.log).not.to.match(/Nothing handled/)
  })

  it('because its arguments are too long ends the reload, and nothing else', async () => {
    const server = start()
    const url = await server.running()
    server.write('tsicorn.config.mjs', config(`app_args: ['x'.repeat(200_000)]`))
    await server.reload(/generation 1 keeps serving: .*could not be started: spawn E2BIG: .*too long/)
    expect(await answer(url)).to.equal('here')
  })

  it('ends the start, which says why', async () => {
    const server = start(`app_args: ['x'.repeat(200_000)]`)
    expect(await server.ended).to.deep.equal({ code: 3, signal: null })
    expect(server.log).to.match(/Cannot start: .*could not be started: spawn E2BIG/)
    expect(server.log).not.to.match(/^ +at /m)
  })

  it('because Node itself was removed is tried again when it is back', async () => {
    const folder = makeFolder({ 'home/app.mjs': app, 'tsicorn.config.mjs': config() })
    const node = join(folder, 'node')
    const restore = () => copyFileSync(process.execPath, node)
    restore()
    const server = launch({ folder, command: [node, tsicorn], errors: true })
    const url = await server.running()
    rmSync(node)
    killOne(server)
    await server.says(/could not be started: spawn .*ENOENT: ".*node" cannot be used .*: put it back/)
    expect(await answer(url)).to.equal('here')
    restore()
    await eventually('two workers', () => server.workers.length === 2)
    await server.stop()
    rmSync(folder, { recursive: true })
  })

  it('because the system has no memory for it is tried again, and so is an upgrade', async function () {
    if (spawnSync('strace', ['-o', '/dev/null', 'true']).status !== 0) return this.skip()
    const server = start()
    const url = await server.running()
    const calls = 'clone,clone3,fork,vfork'
    const tracer = spawn('strace', [
      ...['-f', '-qq', '-o', '/dev/null', '-e', `trace=${calls}`],
      ...['-e', `inject=${calls}:error=ENOMEM`, '-p', String(server.pid)],
    ])
    const isTraced = () => !/^TracerPid:\t0$/m.test(readFileSync(`/proc/${server.pid}/status`, 'utf8'))
    await eventually('it is traced', isTraced)
    killOne(server)
    await server.says(/could not be started: spawn ENOMEM: there is no memory for it/)
    await server.says(/workers in a row ended early: the next one starts in/)
    expect(await answer(url)).to.equal('here')
    server.signal('SIGUSR2')
    await server.says(/Not upgrading: spawn ENOMEM/)
    tracer.kill('SIGINT')
    await eventually('two workers', () => server.workers.length === 2)
  })
})

describe('a worker that cannot be ended', () => {
  it('is said to be so, and nobody waits for it', async function () {
    const isRoot = process.getuid?.() === 0
    const command = ['--bounding-set=-kill', '--inh-caps=-kill', process.execPath, tsicorn] as const
    if (!isRoot || spawnSync('setpriv', [...command.slice(0, 2), 'true']).status !== 0) return this.skip()
    const server = launch({
      command: ['setpriv', ...command],
      folder: openFolder({ 'app.mjs': stuckApp }),
      args: [
        '-b',
        '127.0.0.1:0',
        '-w',
        '1',
        '--timeout',
        '1',
        '--no-timeout-stack',
        '-u',
        'nobody',
        './app.mjs',
      ],
      errors: true,
    })
    const url = await server.running()
    const [stuck] = server.workers as [number]
    fetch(`${url}/stuck`).catch(() => undefined)
    await server.says(/could not be ended: kill EPERM: let the arbiter signal it \(CAP_KILL\)/)
    await eventually('another serves', () => server.workers.length === 2)
    expect(await answer(url)).to.equal('here')
    server.signal('SIGTERM')
    await eventually('the arbiter is gone', () => !isAlive(server.pid))
    expect(isAlive(stuck)).to.equal(true)
    process.kill(stuck, 'SIGKILL')
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
  })
})

describe('the scoreboard of a server', () => {
  it('is in another folder where /dev/shm is too small', async function () {
    const mount = 'mount -t tmpfs -o size=4k none /dev/shm'
    if (spawnSync('unshare', ['-m', 'sh', '-c', mount]).status !== 0) return this.skip()
    const server = launch({
      command: ['unshare', '-m', 'sh', '-c', `${mount} && exec "$@"`, 'sh', process.execPath, tsicorn],
      args: ['-b', '127.0.0.1:0', '-w', '2', './app.mjs'],
      files: { 'app.mjs': app },
    })
    const url = await server.running()
    expect(server.log).to.match(
      /WARNING.*The scoreboard is in .* instead: "\/dev\/shm": no space left on device/,
    )
    expect(await answer(url)).to.equal('here')
  })
})

describe('an installation under way', () => {
  it('is named where it has removed what workers run, and costs no more than the wait for it', async () => {
    const root = fileURLToPath(new URL('../../..', import.meta.url))
    const folder = openFolder({ 'app.mjs': app })
    const installed = join(folder, 'installed')
    for (const name of ['dist', 'daemon/tsicorn.js', 'package.json'])
      cpSync(join(root, name), join(installed, name), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(installed, 'node_modules'))
    const server = launch({
      command: [process.execPath, join(installed, 'daemon/tsicorn.js')],
      args: ['-b', '127.0.0.1:0', './app.mjs'],
      folder,
      errors: true,
    })
    const url = await server.running()
    const [dist, away] = [join(installed, 'dist'), join(installed, 'away')]
    renameSync(dist, away)
    const missing = `tsicorn's own file "${dist}/worker-preload.js" is not there: install tsicorn again`
    await server.reload(new RegExp(`Reload 1 failed: generation 1 keeps serving: .*: ${missing}`))
    expect(await answer(url)).to.equal('here')
    process.kill(server.workers[0] as number, 'SIGKILL')
    await server.says(
      new RegExp(`No worker serves: requests wait in the queue: ${missing}, then run kill -HUP`),
    )
    renameSync(away, dist)
    expect(await answer(url)).to.equal('here')
  })
})
