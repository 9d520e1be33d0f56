/** When the pidfile is written, moved and removed, whom it names, and that one server at a time has it. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { ourselves, toWord } from '../../../daemon/system/process-identity.ts'
import { cleanUpDaemons, hello, launchIn, openFolder, pidIn, read } from '../../support/daemons.ts'
import { eventually, isAlive, launch, type Tsicorn } from '../../support/tsicorn.ts'

const tsicorn = fileURLToPath(new URL('../../../daemon/tsicorn.js', import.meta.url))

/** Everything whose name begins with that of a pidfile: the file, its lock, and what could be left of either. */
function traces(folder: string): string[] {
  return readdirSync(folder).filter(name => /\.pid/.test(name))
}

async function answer(server: Tsicorn): Promise<string> {
  return await (await fetch(server.url, { headers: { connection: 'close' } })).text()
}

describe('the pidfile', () => {
  afterEach(cleanUpDaemons)

  it('names the arbiter from when the first workers are ready until it ends', async () => {
    const folder = openFolder({
      'app.mjs': `
        import { existsSync } from 'node:fs'
        while (!existsSync('go')) await new Promise(resolve => setTimeout(resolve, 10))
        ${hello}`,
    })
    const server = launchIn(folder, [])
    await server.says(/Booting worker/)
    expect(traces(folder)).to.deep.equal(['app.pid.lock'])
    server.write('go', '')
    await server.running()
    expect(pidIn(folder)).to.equal(server.pid)
    expect(statSync(join(folder, 'app.pid')).mode & 0o777).to.equal(0o644)
    await server.stop()
    expect(traces(folder)).to.deep.equal([])
  })

  it('is in the working folder of the workers where its path is relative', async () => {
    const folder = openFolder({ 'inner/app.mjs': hello })
    const server = launchIn(folder, ['--chdir', 'inner'])
    await server.running()
    expect(pidIn(join(folder, 'inner'))).to.equal(server.pid)
  })

  it('makes a second start end with code 1 and the pid of the first, which goes on untouched', async () => {
    const folder = openFolder()
    const first = launchIn(folder, [])
    await first.running()
    const second = launchIn(folder, [], { errors: true })
    expect(await second.ended).to.deep.equal({ code: 1, signal: null })
    expect(second.log).to.equal(
      `Cannot take the pidfile "${join(folder, 'app.pid')}": the server with pid ${first.pid} has it: stop that one, or set another pidfile\n`,
    )
    expect(pidIn(folder)).to.equal(first.pid)
    expect(await answer(first)).to.equal('hello')
  })

  it('lets one of many simultaneous starts win', async () => {
    const folder = openFolder()
    const servers = Array.from({ length: 5 }, () => launchIn(folder, [], { errors: true }))
    const outcomes = await Promise.all(
      servers.map(server => Promise.race([server.running(), server.ended.then(({ code }) => code)])),
    )
    expect(outcomes.filter(code => code === 1)).to.have.length(4)
    const winner = servers.find(({ pid }) => isAlive(pid)) as Tsicorn
    expect(pidIn(folder)).to.equal(winner.pid)
    expect(await answer(winner)).to.equal('hello')
  })

  const leftovers: readonly (readonly [what: string, text: string])[] = [
    ['the pid of a living process that is no server', `${process.pid}\n`],
    ['the pid of a dead process', '4194305\n'],
    ['garbage', 'garbage'],
    ['nothing', ''],
  ]
  for (const [what, text] of leftovers) {
    it(`with ${what} in it is no obstacle`, async () => {
      const folder = openFolder({ 'app.pid': text })
      const server = launchIn(folder, [])
      await server.running()
      expect(pidIn(folder)).to.equal(server.pid)
    })
  }

  it('of a server that was killed is taken over, with its lock', async () => {
    const folder = openFolder()
    const killed = launchIn(folder, [])
    await killed.running()
    const orphans = killed.workers
    killed.signal('SIGKILL')
    await killed.ended
    expect(traces(folder)).to.deep.equal(['app.pid', 'app.pid.lock'])
    const server = launchIn(folder, [])
    await server.running()
    expect(pidIn(folder)).to.equal(server.pid)
    await server.stop()
    expect(traces(folder)).to.deep.equal([])
    await eventually('the orphans left', () => !orphans.some(isAlive))
  })

  it('is taken over where the pid in its lock is another process by now', async () => {
    const { pid, start, boot } = ourselves()
    const folder = openFolder({
      'app.pid': `${pid}\n`,
      [`app.pid.lock/${toWord({ pid, start: String(Number(start) - 1), boot })}`]: '',
    })
    const server = launchIn(folder, [])
    await server.running()
    expect(pidIn(folder)).to.equal(server.pid)
  })

  it('stays when it names somebody else by then', async () => {
    const folder = openFolder()
    const server = launchIn(folder, [])
    await server.running()
    writeFileSync(join(folder, 'app.pid'), '7\n')
    await server.stop()
    expect(read(folder, 'app.pid')).to.equal('7\n')
    expect(traces(folder)).to.deep.equal(['app.pid'])
  })

  it('is written again by HUP where somebody has removed it', async () => {
    const folder = openFolder()
    const server = launchIn(folder, [])
    await server.running()
    rmSync(join(folder, 'app.pid'))
    await server.reload()
    expect(pidIn(folder)).to.equal(server.pid)
  })
})

describe('the pidfile of a server that does not start', () => {
  afterEach(cleanUpDaemons)

  const failures: readonly (readonly [what: string, app: string, args: readonly string[], code: number])[] = [
    ['because the app throws', `throw new Error('no database')`, [], 3],
    ['because there is no app', 'export default 42', [], 4],
    ['because an address cannot be bound', hello, ['-b', '192.0.2.1:8000'], 1],
    ['because the error log cannot be opened', hello, ['--error-logfile', 'no/error.log'], 1],
  ]
  for (const [what, app, args, code] of failures) {
    it(`${what} is never written, and its lock is gone`, async () => {
      const folder = openFolder({ 'app.mjs': app })
      const server = launchIn(folder, args, { errors: true })
      expect((await server.ended).code).to.equal(code)
      expect(traces(folder)).to.deep.equal([])
    })
  }

  it('because TERM came first is never written, and its lock is gone', async () => {
    const folder = openFolder({ 'app.mjs': 'await new Promise(resolve => setTimeout(resolve, 600_000))' })
    const server = launchIn(folder, [])
    await server.says(/Booting worker/)
    await server.stop('SIGINT')
    expect(traces(folder)).to.deep.equal([])
  })

  const impossible: readonly (readonly [what: string, path: string, says: RegExp])[] = [
    ['in a folder that is missing', 'no/app.pid', /the folder "\S+\/no" does not exist: create it first\n$/],
    ['in a file', 'app.mjs/app.pid', /"\S+\/app\.mjs" is not a folder: choose another path\n$/],
    ['that is a folder', 'inner', /it is a folder: name a file in it\n$/],
    ['whose lock is something else', 'other.pid', /"\S+\/other\.pid\.lock" is in the way: remove it\n$/],
    [
      'in a folder of the system',
      '/proc/app.pid',
      /: choose a folder that this user may write to\n$|create it first\n$/,
    ],
  ]
  for (const [what, path, says] of impossible) {
    it(`${what}: one clear message and exit code 1`, async () => {
      const folder = openFolder({ 'inner/x': '', 'other.pid.lock': '' })
      const server = launchIn(folder, ['-p', path], { errors: true })
      expect((await server.ended).code).to.equal(1)
      expect(server.log).to.match(/^Cannot create the pidfile "\S+": /)
      expect(server.log).to.match(says)
      expect(server.log.match(/\n/g)).to.have.length(1)
    })
  }
})

describe('the pidfile on reload', () => {
  afterEach(cleanUpDaemons)

  const config = (pidfile: string | null, more = '') =>
    `export default { app: './app.mjs', bind: '127.0.0.1:0', pidfile: ${JSON.stringify(pidfile)}, ${more} }`

  function start(folder: string, errors = false): Tsicorn {
    return launch({ folder, errors })
  }

  it('moves when its path has changed, and goes when none is wanted', async () => {
    const folder = openFolder({ 'tsicorn.config.mjs': config('app.pid') })
    const server = start(folder)
    await server.running()
    server.write('tsicorn.config.mjs', config('new.pid'))
    await server.reload()
    expect(traces(folder)).to.deep.equal(['new.pid', 'new.pid.lock'])
    expect(pidIn(folder, 'new.pid')).to.equal(server.pid)
    server.write('tsicorn.config.mjs', config(null))
    await server.reload()
    expect(traces(folder)).to.deep.equal([])
    server.write('tsicorn.config.mjs', config('app.pid'))
    await server.reload()
    expect(pidIn(folder)).to.equal(server.pid)
    await server.stop()
    expect(traces(folder)).to.deep.equal([])
  })

  const failing: readonly (readonly [why: string, config: string, says: RegExp])[] = [
    ['its new folder is missing', config('no/new.pid'), /failed: .*Cannot create the pidfile/],
    [
      'another server has it',
      config('other.pid'),
      /failed: .*Cannot take the pidfile .*the server with pid \d+ has it/,
    ],
    [
      'the reload fails for another reason',
      config('new.pid', `on_reload() { throw new Error('no') }`),
      /failed: .*on_reload/,
    ],
    ['the new workers do not start', config('new.pid', `raw_env: ['FAIL=1']`), /failed: .*no database/],
  ]
  for (const [why, broken, says] of failing) {
    it(`stays where it is when ${why}`, async () => {
      const folder = openFolder({
        'tsicorn.config.mjs': config('app.pid'),
        'app.mjs': `if (process.env.FAIL) throw new Error('no database')\n${hello}`,
        [`other.pid.lock/${toWord(ourselves())}`]: '',
      })
      const server = start(folder, true)
      await server.running()
      server.write('tsicorn.config.mjs', broken)
      await server.reload(says)
      expect(pidIn(folder)).to.equal(server.pid)
      expect(traces(folder)).to.deep.equal(['app.pid', 'app.pid.lock', 'other.pid.lock'])
      server.write('tsicorn.config.mjs', config('new.pid'))
      await server.reload()
      expect(pidIn(folder, 'new.pid')).to.equal(server.pid)
    })
  }
})

describe('the lock of the pidfile', () => {
  afterEach(cleanUpDaemons)

  it('leaves every signal to the arbiter', async () => {
    const folder = openFolder()
    const server = launchIn(folder, ['-w', '1'])
    await server.running()
    // Node ignores this one; the others have a meaning here.
    server.signal('SIGXFSZ')
    for (const name of ['SIGTTIN', 'SIGUSR1', 'SIGTTOU'] as const) server.signal(name)
    await server.says(/Handling signal: ttou/)
    await server.reload()
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null })
    expect(traces(folder)).to.deep.equal([])
  })

  it('is not held by the workers of an arbiter that was killed', async () => {
    const folder = openFolder({ 'app.mjs': `${hello}\nprocess.on('exit', () => undefined)` })
    const killed = launchIn(folder, ['--graceful-timeout', '20'])
    await killed.running()
    killed.signal('SIGKILL')
    const server = launchIn(folder, [])
    await server.running()
    await killed.ended
    expect(existsSync(join(folder, 'app.pid.lock'))).to.equal(true)
  })
})

describe('the pidfile in an upgrade', () => {
  afterEach(cleanUpDaemons)

  it('of the new arbiter has a name of its own until the new arbiter is promoted', async () => {
    const folder = openFolder()
    const server = launchIn(folder, [])
    await server.running()
    server.signal('SIGUSR2')
    await server.says(/The new arbiter serves/)
    const newArbiter = pidIn(folder, 'app.pid.2')
    expect(pidIn(folder)).to.equal(server.pid)
    server.signal('SIGTERM')
    await server.says(/Promoted/)
    expect(pidIn(folder)).to.equal(newArbiter)
    expect(traces(folder)).to.deep.equal(['app.pid', 'app.pid.lock'])
    process.kill(newArbiter, 'SIGTERM')
    await server.ended
    expect(traces(folder)).to.deep.equal([])
  })

  it('stays with the old arbiter when the new arbiter ends, and is taken over when the old one is killed', async () => {
    const folder = openFolder()
    const server = launchIn(folder, [], { errors: true })
    await server.running()
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      server.signal('SIGUSR2')
      await server.says(/The new arbiter serves/)
      process.kill(pidIn(folder, 'app.pid.2'), signal)
      await server.says(/The new arbiter ended/)
      expect(pidIn(folder)).to.equal(server.pid)
    }
    server.signal('SIGUSR2')
    await server.says(/The new arbiter serves/)
    const newArbiter = pidIn(folder, 'app.pid.2')
    server.signal('SIGKILL')
    await server.says(/Promoted/)
    expect(pidIn(folder)).to.equal(newArbiter)
    process.kill(newArbiter, 'SIGTERM')
    await server.ended
    expect(traces(folder)).to.deep.equal([])
  })
})

// A folder that nobody may write to cannot be shown to root.
describe('the pidfile of a user without privileges', () => {
  afterEach(cleanUpDaemons)

  it('in a folder that is not theirs: one clear message and exit code 1', function () {
    if (process.getuid?.() === 0) return this.skip()
    const folder = openFolder()
    mkdirSync(join(folder, 'locked'), { mode: 0o555 })
    const server = launchIn(folder, ['-p', 'locked/app.pid'], { errors: true })
    return server.ended.then(({ code }) => {
      expect(code).to.equal(1)
      expect(server.log).to.match(/permission denied: choose a folder that this user may write to\n$/)
    })
  })
})

describe('without /proc (root only)', () => {
  const unmount = 'umount --lazy /proc'

  for (const [what, args] of [
    ['the pidfile', ['--pid', 'app.pid']],
    ['the access log', ['--access-logfile', 'access.log']],
  ] as const) {
    it(`${what} of root is refused, and the message says what is missing`, async function () {
      if (process.geteuid?.() !== 0) return this.skip()
      if (spawnSync('unshare', ['-m', 'sh', '-c', unmount]).status !== 0) return this.skip()
      const server = launch({
        command: ['unshare', '-m', 'sh', '-c', `${unmount} && exec "$@"`, 'sh', process.execPath, tsicorn],
        args: [...args, './app.mjs'],
        files: { 'app.mjs': hello },
        errors: true,
      })
      expect(await server.ended).to.deep.equal({ code: 1, signal: null })
      expect(server.log).to.match(/root opens files safely by way of \/proc\/self\/fd: mount \/proc/)
      expect(server.log).not.to.match(/does not exist|create its folder/)
    })
  }
})
