/** Links, pipes and other files in the place of ours: none leads root astray, and none holds a server up. */
import { execFileSync } from 'node:child_process'
import {
  chownSync,
  closeSync,
  constants,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { hello } from '../../support/daemons.ts'
import { eventually, freePort, launch, makeFolder, type Tsicorn } from '../../support/tsicorn.ts'
import { retire, upgrade } from '../../support/upgrading.ts'

const isRoot = process.getuid?.() === 0
const [uid, gid] = isRoot ? [idOf('-u'), idOf('-g')] : [0, 0]

function idOf(option: string): number {
  return Number(execFileSync('id', [option, 'nobody'], { encoding: 'utf8' }))
}

/** A folder of root with `theirs`, which belongs to nobody, and a file of root's own. */
function makeTrap(files: Readonly<Record<string, string>> = {}): {
  folder: string
  theirs: string
  victim: string
} {
  const folder = makeFolder({ 'app.mjs': hello, victim: 'of root\n', ...files })
  const theirs = join(folder, 'theirs')
  mkdirSync(theirs)
  chownSync(theirs, uid, gid)
  return { folder, theirs, victim: join(folder, 'victim') }
}

/** What that user could have done. */
function plantLink(target: string, path: string): void {
  symlinkSync(target, path)
  lchownSync(path, uid, gid)
}

const folders: string[] = []
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

const clean = ({ folder }: { folder: string }) => folders.push(folder)

describe('what others plant in their own folders does not lead root astray (root only)', () => {
  before(function () {
    if (!isRoot) this.skip()
  })

  async function start(trap: { folder: string }, args: readonly string[], errors = false): Promise<Tsicorn> {
    clean(trap)
    const server = launch({ folder: trap.folder, errors, args: ['-b', '127.0.0.1:0', ...args, './app.mjs'] })
    await server.running()
    return server
  }

  it('a file in the place of a unix socket is not given away by HUP, and stays when the server goes', async () => {
    const trap = makeTrap()
    const path = join(trap.theirs, 'app.sock')
    const server = await start(trap, ['-g', String(gid), '-b', `unix:${path}`], true)
    expect(lstatSync(path).gid).to.equal(gid)
    unlinkSync(path)
    writeFileSync(path, 'of root\n')
    await server.reload()
    expect(server.log).to.match(/The file of unix:.*app\.sock is gone: Cannot bind .*not a socket/)
    expect(lstatSync(path).gid).to.equal(0)
    await server.stop()
    expect(readFileSync(path, 'utf8')).to.equal('of root\n')
  })

  it('a file in the place of a unix socket stays when a reload gives up the socket', async () => {
    const config = (more: string) => `export default { app: './app.mjs', bind: ['127.0.0.1:0', ${more}] }`
    const trap = makeTrap({ 'tsicorn.config.mjs': config(`'unix:theirs/app.sock'`) })
    clean(trap)
    const server = launch({ folder: trap.folder })
    await server.running()
    const path = join(trap.theirs, 'app.sock')
    unlinkSync(path)
    writeFileSync(path, 'of root\n')
    server.write('tsicorn.config.mjs', config(''))
    await server.reload()
    expect(readFileSync(path, 'utf8')).to.equal('of root\n')
    expect(readdirSync(trap.theirs)).to.deep.equal(['app.sock'])
  })

  it('a file in the place of a unix socket stays when the new arbiter of an upgrade goes', async () => {
    const trap = makeTrap()
    const path = join(trap.theirs, 'app.sock')
    const server = await start(trap, ['-b', `unix:${path}`])
    const newArbiter = await upgrade(server)
    await retire(server, server.pid)
    unlinkSync(path)
    writeFileSync(path, 'of root\n')
    process.kill(newArbiter, 'SIGTERM')
    await server.ended
    expect(readFileSync(path, 'utf8')).to.equal('of root\n')
  })

  for (const [log, option] of [
    ['accesslog', '--access-logfile'],
    ['errorlog', '--error-logfile'],
  ] as const) {
    const refuse = async (trap: ReturnType<typeof makeTrap>, path: string, why: RegExp) => {
      clean(trap)
      const args = ['-b', '127.0.0.1:0', option, path, './app.mjs']
      const server = launch({ folder: trap.folder, args, errors: true })
      expect((await server.ended).code).to.equal(1)
      expect(server.log).to.match(new RegExp(`Cannot open ${log} .*root does not trust the path: `))
      expect(server.log).to.match(why)
    }

    it(`${log}: a link of theirs to a file that is not there makes no file`, async () => {
      const trap = makeTrap()
      plantLink(join(trap.folder, 'made'), join(trap.theirs, 'log'))
      await refuse(trap, 'theirs/log', new RegExp(`user ${uid} made the symbolic link "log"`))
      expect(existsSync(join(trap.folder, 'made'))).to.equal(false)
    })

    it(`${log}: a folder that is a link of theirs is not entered`, async () => {
      const trap = makeTrap()
      mkdirSync(join(trap.folder, 'ours'))
      plantLink(join(trap.folder, 'ours'), join(trap.theirs, 'logs'))
      await refuse(trap, 'theirs/logs/log', new RegExp(`user ${uid} made the symbolic link "logs"`))
      expect(readdirSync(join(trap.folder, 'ours'))).to.deep.equal([])
    })

    it(`${log}: a second name of a file of root is not written to`, async () => {
      const trap = makeTrap()
      linkSync(trap.victim, join(trap.theirs, 'log'))
      await refuse(trap, 'theirs/log', /it has a second name/)
      expect(readFileSync(trap.victim, 'utf8')).to.equal('of root\n')
    })

    it(`${log}: a link that root made is followed, from link to link`, async () => {
      const trap = makeTrap()
      mkdirSync(join(trap.folder, 'data'))
      symlinkSync('../data', join(trap.theirs, 'logs'))
      symlinkSync('./current', join(trap.folder, 'data/log'))
      const server = launch({
        folder: trap.folder,
        args: ['-b', '127.0.0.1:0', option, 'theirs/logs/log', './app.mjs'],
      })
      clean(trap)
      const file = join(trap.folder, 'data/current')
      await eventually('the log is there', () => existsSync(file))
      await eventually('it serves', () => server.workers.length === 1)
      await server.stop()
    })
  }

  it('a link of theirs that takes the place of the error log is refused by USR1, and the old file stays in use', async () => {
    const trap = makeTrap()
    clean(trap)
    const log = join(trap.theirs, 'error.log')
    const server = launch({
      folder: trap.folder,
      args: ['-b', '127.0.0.1:0', '--error-logfile', log, './app.mjs'],
      errors: true,
    })
    await eventually('it serves', () => existsSync(log) && /Running/.test(readFileSync(log, 'utf8')))
    renameSync(log, `${log}.1`)
    plantLink(trap.victim, log)
    server.signal('SIGUSR1')
    await eventually('it says so', () =>
      /Cannot reopen .*: the old file stays in use/.test(readFileSync(`${log}.1`, 'utf8')),
    )
    await server.stop()
    expect(readFileSync(trap.victim, 'utf8')).to.equal('of root\n')
  })

  it('the pidfile is written through no link, and removed only where it is ours', async () => {
    const config = (name: string) =>
      `export default { app: './app.mjs', bind: '127.0.0.1:0', pidfile: 'theirs/${name}' }`
    const trap = makeTrap({ 'tsicorn.config.mjs': config('one.pid') })
    clean(trap)
    const server = launch({ folder: trap.folder })
    await server.running()
    plantLink(trap.victim, join(trap.theirs, `two.pid.${server.pid}.tmp`))
    plantLink(trap.victim, join(trap.theirs, 'two.pid'))
    server.write('tsicorn.config.mjs', config('two.pid'))
    await server.reload()
    const path = join(trap.theirs, 'two.pid')
    expect(lstatSync(path).isFile()).to.equal(true)
    expect(readFileSync(path, 'utf8')).to.equal(`${server.pid}\n`)
    expect(readFileSync(trap.victim, 'utf8')).to.equal('of root\n')
    unlinkSync(path)
    writeFileSync(path, `${server.pid}\n`)
    await server.stop()
    expect(existsSync(path)).to.equal(true)
  })

  it('a key is not read through a link of theirs', async () => {
    const trap = makeTrap()
    clean(trap)
    plantLink(trap.victim, join(trap.theirs, 'key.pem'))
    const args = ['-b', '127.0.0.1:0', '--certfile', 'theirs/key.pem', './app.mjs']
    const server = launch({ folder: trap.folder, args, errors: true })
    expect((await server.ended).code).to.equal(1)
    expect(server.log).to.match(/certfile "theirs\/key\.pem" cannot be read: root does not trust the path/)
  })

  it('the token of the status page is not read through a link of theirs', async () => {
    const trap = makeTrap()
    clean(trap)
    const token = 'a token that nobody else knows'.replaceAll(' ', '-')
    const own = join(trap.theirs, 'own')
    writeFileSync(own, token)
    plantLink(own, join(trap.theirs, 'token'))
    const metrics = `127.0.0.1:${await freePort()}`
    const args = ['-b', '127.0.0.1:0', '--metrics-bind', metrics, '--status-token-file', 'theirs/token']
    const server = launch({ folder: trap.folder, args: [...args, './app.mjs'] })
    await server.running()
    const answer = await fetch(`http://${metrics}/-/scale`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ workers: 3 }),
    })
    expect(answer.status).to.equal(503)
    expect(await answer.text()).to.match(/status_token_file cannot be read: root does not trust the path/)
    await server.stop()
  })
})

describe('a pipe in the place of', () => {
  const makePipe = (path: string) => execFileSync('mkfifo', [path])

  for (const log of ['accesslog', 'errorlog']) {
    it(`${log} does not keep the server from anything`, async () => {
      const server = launch({
        files: {
          'app.mjs': hello,
          'tsicorn.config.mjs': `export default { app: './app.mjs', bind: '127.0.0.1:0', accesslog: 'accesslog', errorlog: 'errorlog' }`,
        },
        errors: true,
      })
      const errors = () => readFileSync(join(server.folder, 'errorlog.1'), 'utf8')
      const path = join(server.folder, log)
      await eventually('it serves', () => {
        const file = join(server.folder, 'errorlog')
        return existsSync(file) && /Running/.test(readFileSync(file, 'utf8'))
      })
      linkSync(join(server.folder, 'errorlog'), join(server.folder, 'errorlog.1'))
      rmSync(path)
      makePipe(path)
      server.signal('SIGUSR1')
      await eventually('it says so', () => new RegExp(`Cannot reopen ".*${log}": ENXIO`).test(errors()))
      server.signal('SIGHUP')
      const outcome =
        log === 'accesslog' ? /Reload 1 failed: .*Cannot open accesslog/ : /Reload 1: generation 2 serves/
      await eventually('it reloads', () => outcome.test(errors()))
      expect((await server.stop()).code).to.equal(0)
    })
  }

  it('the access log is written to while somebody reads it', async () => {
    const folder = makeFolder({ 'app.mjs': hello })
    makePipe(join(folder, 'pipe'))
    // Opened for both, so that there is a reader from now on.
    const reader = openSync(join(folder, 'pipe'), constants.O_RDWR | constants.O_NONBLOCK)
    const args = ['-b', '127.0.0.1:0', '--access-logfile', 'pipe', '--access-logformat', '%(U)s', './app.mjs']
    const server = launch({ folder, args })
    await (await fetch(`${await server.running()}/x`)).text()
    await server.stop()
    const text = Buffer.alloc(100)
    expect(text.subarray(0, readSync(reader, text)).toString()).to.equal('/x\n')
    closeSync(reader)
    rmSync(folder, { recursive: true })
  })

  it('the pidfile does not keep the server from leaving, and stays', async () => {
    const server = launch({
      files: { 'app.mjs': hello },
      args: ['-b', '127.0.0.1:0', '-p', 'app.pid', './app.mjs'],
    })
    await server.running()
    const path = join(server.folder, 'app.pid')
    rmSync(path)
    makePipe(path)
    expect((await server.stop()).code).to.equal(0)
    expect(lstatSync(path).isFIFO()).to.equal(true)
  })

  it('the configuration is refused by HUP, and the server goes on', async () => {
    const server = launch({
      files: {
        'app.mjs': hello,
        'tsicorn.config.mjs': `export default { app: './app.mjs', bind: '127.0.0.1:0' }`,
      },
      errors: true,
    })
    const url = await server.running()
    const path = join(server.folder, 'tsicorn.config.mjs')
    rmSync(path)
    makePipe(path)
    await server.reload(/Reload 1 failed: .*tsicorn\.config\.mjs": it is not a file/)
    expect(await (await fetch(url)).text()).to.equal('hello')
  })

  it('a key is refused', async () => {
    const folder = makeFolder({ 'app.mjs': hello })
    makePipe(join(folder, 'key.pem'))
    const server = launch({
      folder,
      args: ['-b', '127.0.0.1:0', '--certfile', 'key.pem', './app.mjs'],
      errors: true,
    })
    expect((await server.ended).code).to.equal(1)
    expect(server.log).to.match(/certfile "key\.pem" cannot be read: it is no regular file/)
    rmSync(folder, { recursive: true })
  })
})
