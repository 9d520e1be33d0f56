/** Workers that run as another user: who they are, what they may do, and which files are given to them. */
import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, lstatSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { connect } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { Authority, hasOpenssl } from '../../support/certificates.ts'
import { cleanUpDaemons, launchIn, openFolder, read } from '../../support/daemons.ts'
import { Load } from '../../support/http/load.ts'
import { eventually, type LaunchOptions, launch, type Tsicorn } from '../../support/tsicorn.ts'

const command = fileURLToPath(new URL('../../../daemon/tsicorn.js', import.meta.url))

/** Says who it was when it was loaded, and who it is. */
const app = `
  const who = () => ({
    uid: process.geteuid(), gid: process.getegid(), groups: process.getgroups(),
    HOME: process.env.HOME, USER: process.env.USER, LOGNAME: process.env.LOGNAME,
  })
  const loadedBy = who()
  export default (req, res) => res.end(JSON.stringify({ ...who(), loadedBy: loadedBy.uid }))`

interface Who {
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
  readonly HOME?: string
  readonly USER?: string
  readonly LOGNAME?: string
  readonly loadedBy: number
}

const isRoot = process.getuid?.() === 0
/** Another user has to get to this checkout and to the Node that runs it. */
const isOpen = [command, process.execPath].every(isReachable)
const canSwitch = isRoot && isOpen
if (isRoot && !isOpen)
  process.stderr.write('Skipping what needs another user: a folder above is closed to others\n')
const [uid, gid] = canSwitch ? [idOf('-u'), idOf('-g')] : [0, 0]

function isReachable(path: string): boolean {
  const folder = dirname(path)
  return folder === path || ((statSync(folder).mode & 0o001) !== 0 && isReachable(folder))
}

function idOf(option: string): number {
  return Number(execFileSync('id', [option, 'nobody'], { encoding: 'utf8' }))
}

async function ask(server: Tsicorn): Promise<Who> {
  return (await (await fetch(server.url, { headers: { connection: 'close' } })).json()) as Who
}

async function workerOf(folder: string, args: readonly string[], options?: LaunchOptions): Promise<Who> {
  const server = launchIn(folder, args, options)
  await server.running()
  expect(statSync(`/proc/${server.pid}`).uid).to.equal(0)
  return await ask(server)
}

describe('workers with a user of their own (root only)', () => {
  before(function () {
    if (!canSwitch) this.skip()
  })
  afterEach(cleanUpDaemons)

  it('are that user and in its group only, when the app is loaded', async () => {
    const who = await workerOf(openFolder({ 'app.mjs': app }), ['-u', 'nobody'])
    expect(who).to.include({ uid, gid, loadedBy: uid, USER: 'nobody', LOGNAME: 'nobody' })
    expect(who.groups).to.deep.equal([gid])
    expect(who.HOME).to.equal(execFileSync('/bin/sh', ['-c', 'echo ~nobody'], { encoding: 'utf8' }).trim())
  })

  it('are those of a number as well, and of a number that has no name', async () => {
    const folder = openFolder({ 'app.mjs': app })
    expect(await workerOf(folder, ['-u', String(uid), '-g', '4001'])).to.include({
      uid,
      gid: 4001,
      USER: 'nobody',
    })
    const stranger = openFolder({ 'app.mjs': app })
    const { HOME, USER } = process.env
    const who = await workerOf(stranger, ['-u', '4002', '-g', 'nogroup', '--initgroups'], {
      env: { HOME, USER },
    })
    expect(who).to.deep.include({ uid: 4002, gid: idInGroups('nogroup'), groups: [idInGroups('nogroup')] })
    expect(who.HOME).to.equal(HOME)
  })

  it('have the other groups of the user with initgroups', async () => {
    const others = execFileSync('getent', ['group'], { encoding: 'utf8' })
      .split('\n')
      .map(line => line.split(':'))
      .filter(([, , , members = '']) => members.split(',').includes('nobody'))
      .map(([, , id]) => Number(id))
    const who = await workerOf(openFolder({ 'app.mjs': app }), ['-u', 'nobody', '-g', '4001', '--initgroups'])
    expect(who.groups).to.have.members([4001, ...others])
  })

  it('stay who they are for 0, and in their group for the group 0', async () => {
    const folder = openFolder({ 'app.mjs': app })
    expect(await workerOf(folder, ['-u', '0', '-g', '0'])).to.include({ uid: 0, gid: 0, loadedBy: 0 })
  })

  it('have the variables of raw_env, whatever those say about the user', async () => {
    const who = await workerOf(openFolder({ 'app.mjs': app }), ['-u', 'nobody', '-e', 'HOME=/srv'])
    expect(who).to.include({ HOME: '/srv', USER: 'nobody' })
  })

  it('change after post_fork, also with hooks and apps in TypeScript', async () => {
    const folder = openFolder({
      'tsicorn.config.ts': `
        import { defineConfig } from 'tsicorn'
        enum Name { User = 'nobody' }
        export default defineConfig({
          app: './app.ts', bind: ['127.0.0.1:0'], user: Name.User, workers: 2,
          post_fork: (_, worker) => worker.log.info(\`post_fork as \${process.geteuid?.()}\`),
          post_worker_init: worker => worker.log.info(\`post_worker_init as \${process.geteuid?.()}\`),
        })`,
      'app.ts': `import type { RequestListener } from 'node:http'
        enum Answer { Text = 'hello' }
        export default ((req, res) => { res.end(Answer.Text) }) satisfies RequestListener`,
    })
    const server = launch({ folder })
    await server.running()
    // The first workers find out that tsx is needed.
    expect(server.log.match(/post_fork as 0\n/g)).to.have.length.within(3, 4)
    expect(server.log.match(new RegExp(`post_worker_init as ${uid}\n`, 'g'))).to.have.length(2)
    expect(await (await fetch(server.url)).text()).to.equal('hello')
  })

  it('serve on a port that only root may bind', async () => {
    const port = await privilegedPort()
    expect(
      await workerOf(openFolder({ 'app.mjs': app }), ['-u', 'nobody', '-b', `127.0.0.1:${port}`]),
    ).to.include({ uid })
  })

  it('become another user by HUP, and with them the socket and the access log', async () => {
    const config = (user: string) =>
      `export default { app: './app.mjs', bind: ['127.0.0.1:0', 'unix:app.sock'], accesslog: 'access.log', user: '${user}' }`
    const folder = openFolder({ 'app.mjs': app, 'tsicorn.config.mjs': config('4003') })
    // Workers that are about to leave cannot open the file of the next ones, and keep the old one.
    const server = launch({ folder, errors: true })
    await server.running()
    expect((await ask(server)).uid).to.equal(4003)
    server.write('tsicorn.config.mjs', config('nobody'))
    renameSync(join(folder, 'access.log'), join(folder, 'access.log.1'))
    await server.reload()
    expect((await ask(server)).uid).to.equal(uid)
    for (const name of ['app.sock', 'access.log'])
      expect(statSync(join(folder, name)).uid, name).to.equal(uid)
  })

  it('serve with a key that only root may read, also when it is renewed', async function () {
    if (!hasOpenssl) this.skip()
    const authority = new Authority()
    const [first, second] = [authority.sign('first'), authority.sign('second')]
    authority.remove()
    const folder = openFolder({ 'app.mjs': app, 'cert.pem': first.cert, 'key.pem': first.key })
    chmodSync(join(folder, 'key.pem'), 0o600)
    const server = launchIn(folder, ['-u', 'nobody', '--certfile', 'cert.pem', '--keyfile', 'key.pem'])
    const { hostname: host, port } = new URL(await server.running())
    const subject = async () => {
      const socket = connect({ host, port: Number(port), rejectUnauthorized: false })
      await once(socket, 'secureConnect')
      const { CN } = socket.getPeerCertificate().subject
      socket.destroy()
      return CN
    }
    expect(statSync(`/proc/${server.workers[0]}`).uid).to.equal(uid)
    expect(await subject()).to.equal('first')
    server.write('cert.pem', second.cert)
    server.write('key.pem', second.key)
    await server.says(/Certificate renewed/)
    await eventually('it is served', async () => (await subject()) === 'second')
  })

  it('load the app for --check-config', async () => {
    const folder = openFolder({
      'app.mjs': `if (process.geteuid() === 0) throw new Error('by root')\n${app}`,
    })
    const server = launchIn(folder, ['-u', 'nobody', '--check-config'])
    expect((await server.ended).code, server.log).to.equal(0)
  })
})

describe('files for workers with a user of their own (root only)', () => {
  before(function () {
    if (!canSwitch) this.skip()
  })
  afterEach(cleanUpDaemons)

  it('unix sockets have owner, group and mode', async () => {
    const folder = openFolder()
    const server = launchIn(folder, ['-u', 'nobody', '-g', 'nogroup', '-m', '0117', '-b', 'unix:app.sock'])
    await server.running()
    const { mode, uid: owner, gid: group } = lstatSync(join(folder, 'app.sock'))
    expect([mode & 0o777, owner, group]).to.deep.equal([0o660, uid, idInGroups('nogroup')])
  })

  const rotations: readonly (readonly [how: string, create: (path: string) => void])[] = [
    ['is made again by the arbiter', () => undefined],
    [
      'was made by root',
      path => {
        writeFileSync(path, '', { mode: 0o644 })
        chownSync(path, 0, 0)
      },
    ],
  ]
  for (const [how, create] of rotations) {
    it(`logs are rotated by USR1 without a lost line or worker, where the new file ${how}`, async () => {
      const folder = openFolder()
      const server = launchIn(folder, [
        ...['-u', 'nobody', '-w', '2', '--access-logfile', 'access.log', '--access-logformat', '%(p)s %(U)s'],
        ...['--error-logfile', 'error.log'],
      ])
      await eventually('it serves', () => says(folder, /Running/))
      const [, url] = /Listening at: (http:\S+)/.exec(read(folder, 'error.log')) ?? []
      const before = server.workers
      const load = new Load({ url: url as string, clients: 4, keepAlive: false })
      await load.answered(50)
      for (const name of ['access.log', 'error.log']) {
        renameSync(join(folder, name), join(folder, `${name}.1`))
        create(join(folder, name))
      }
      server.signal('SIGUSR1')
      await eventually('both workers log to the new file', () => {
        const text = textOf(folder, 'access.log')
        return before.every(pid => text.includes(`<${pid}>`))
      })
      const { failures, ok } = await load.stop()
      expect(failures).to.deep.equal([])
      expect(server.workers).to.have.members(before)
      await server.stop()
      const lines = (textOf(folder, 'access.log.1') + textOf(folder, 'access.log')).split('\n')
      expect(lines.filter(line => line !== '')).to.have.length(ok)
      expect(statSync(join(folder, 'access.log')).uid).to.equal(uid)
      expect(read(folder, 'error.log')).to.match(/Stopped\n$/)
      expect(`${read(folder, 'error.log.1')}${read(folder, 'error.log')}`).not.to.match(/WARNING|ERROR/)
    })
  }

  it('the access log is there for a worker that starts between renaming and USR1', async () => {
    const folder = openFolder()
    const server = launchIn(folder, ['-u', 'nobody', '--access-logfile', 'access.log'], { errors: true })
    await server.running()
    chmodSync(folder, 0o755)
    renameSync(join(folder, 'access.log'), join(folder, 'access.log.1'))
    process.kill(server.workers[0] as number, 'SIGKILL')
    await server.says(/Booting worker 2/)
    await eventually('the new file is theirs', () => ownerOf(join(folder, 'access.log')) === uid)
    expect(await (await fetch(server.url)).text()).to.equal('hello')
  })

  it('nothing is given away that a link leads to', async () => {
    const folder = openFolder({ secret: 'of root\n' })
    const secret = join(folder, 'secret')
    symlinkSync(secret, join(folder, 'access.log'))
    const server = launchIn(folder, ['-u', 'nobody', '--access-logfile', 'access.log'], { errors: true })
    expect((await server.ended).code).to.equal(1)
    expect(server.log).to.match(/Cannot start: .*Cannot open accesslog .*permission denied/)
    expect(ownerOf(secret)).to.equal(0)
  })
})

describe('a user or group that cannot be', () => {
  afterEach(cleanUpDaemons)

  it('because nobody has that name is a problem of the configuration, each with its origin', async () => {
    const folder = openFolder({ 'tsicorn.config.mjs': `export default { group: 'no such group' }` })
    const server = launchIn(folder, ['-u', 'nobdy'], { errors: true })
    expect((await server.ended).code).to.equal(1)
    expect(server.log).to.equal(
      [
        '-u: user must be a user of this machine, by name or number, not "nobdy"',
        'tsicorn.config.mjs: group must be a group of this machine, by name or number, not "no such group"\n',
      ].join('\n'),
    )
  })

  it('is found before a reload changes anything', async () => {
    const config = (user: string) =>
      `export default { app: './app.mjs', bind: '127.0.0.1:0', user: '${user}' }`
    const folder = openFolder({ 'tsicorn.config.mjs': config('0') })
    const server = launch({ folder, errors: true })
    await server.running()
    server.write('tsicorn.config.mjs', config('nobdy'))
    await server.reload(/Reload 1 failed: generation 1 keeps serving: .*user must be .* not "nobdy"/)
    expect(await (await fetch(server.url)).text()).to.equal('hello')
  })

  it('because that is not permitted ends a first start with code 3 and a message that names them', async function () {
    const unprivileged = isRoot ? ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'] : []
    if (isRoot && (!isOpen || spawnSync('setpriv', ['--version']).error)) return this.skip()
    const folder = openFolder()
    const [program = process.execPath, ...rest] = [...unprivileged, process.execPath, command]
    const server = launch({
      folder,
      command: [program, ...rest],
      args: ['-b', '127.0.0.1:0', '-u', '4005', '-g', '4006', '--access-logfile', '-', './app.mjs'],
      errors: true,
    })
    expect((await server.ended).code, server.log).to.equal(3)
    expect(server.log).to.match(
      /Cannot start: Cannot run workers as user "4005" and group "4006": operation not permitted: start tsicorn as root, or leave out user and group\n/,
    )
  })
})

function idInGroups(name: string): number {
  return Number(execFileSync('getent', ['group', name], { encoding: 'utf8' }).split(':')[2])
}

async function privilegedPort(): Promise<number> {
  for (let port = 1023; port > 512; port -= 1) {
    const server = createServer()
    const isFree = await new Promise<boolean>(resolve => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
    })
    await new Promise(resolve => server.close(resolve))
    if (isFree) return port
  }
  throw new Error('No port below 1024 is free')
}

function textOf(folder: string, name: string): string {
  try {
    return read(folder, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

function says(folder: string, pattern: RegExp): boolean {
  return pattern.test(textOf(folder, 'error.log'))
}

function ownerOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.uid
}
