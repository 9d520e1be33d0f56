/** What systemd is told, in which order and how often, and what is said where it cannot be told. */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { createNotifier, type Notifier, notifyVariables } from '../../../daemon/process/sd-notify.ts'
import { eventually } from '../../support/tsicorn.ts'

/** Writes its arguments as one line, and first of all waits while there is a file `wait`. */
const fake = `#!${process.execPath}
const { appendFileSync, existsSync, writeFileSync } = require('node:fs')
writeFileSync(__dirname + '/started', '')
const work = () => {
  if (existsSync(__dirname + '/wait')) return setTimeout(work, 10)
  if (existsSync(__dirname + '/fail')) { process.stderr.write('no such\\nsocket\\n'); process.exit(1) }
  appendFileSync(__dirname + '/said', JSON.stringify([process.argv.slice(2), process.env.NOTIFY_SOCKET]) + '\\n')
}
work()
`

describe('notifier', () => {
  let folder: string
  let warnings: string[]

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tsicorn-notify-'))
    writeFileSync(join(folder, 'systemd-notify'), fake)
    chmodSync(join(folder, 'systemd-notify'), 0o755)
    warnings = []
  })

  afterEach(() => rmSync(folder, { recursive: true }))

  function create(env: NodeJS.ProcessEnv = {}): Notifier {
    const log = { write: (_: string, message: string) => void warnings.push(message) }
    const given = { PATH: folder, NOTIFY_SOCKET: '@/org/systemd', ...env }
    return createNotifier({ env: given, log }) as Notifier
  }

  function said(): string[][] {
    const file = join(folder, 'said')
    if (!existsSync(file)) return []
    const lines = readFileSync(file, 'utf8').trim().split('\n')
    return lines.map(line => JSON.parse(line)[0])
  }

  /** A notifier that is busy with its first message until the file \`wait\` is gone. */
  async function createBusy(): Promise<Notifier> {
    writeFileSync(join(folder, 'wait'), '')
    const notifier = create()
    notifier.status('first')
    await eventually('it is busy', () => existsSync(join(folder, 'started')))
    return notifier
  }

  async function finish(notifier: Notifier): Promise<string[][]> {
    rmSync(join(folder, 'wait'), { force: true })
    await notifier.idle()
    return said()
  }

  it('does not exist where nobody wants to be notified', () => {
    const log = { write: () => undefined }
    expect(createNotifier({ env: {}, log })).to.equal(undefined)
    expect(createNotifier({ env: { NOTIFY_SOCKET: '' }, log })).to.equal(undefined)
  })

  it('sends what is said in one turn as one message, to the socket as given', async () => {
    const notifier = create()
    notifier.ready('2 workers')
    notifier.mainPid(42)
    expect(await finish(notifier)).to.deep.equal([['READY=1', 'STATUS=2 workers', 'MAINPID=42']])
    expect(readFileSync(join(folder, 'said'), 'utf8')).to.contain('"@/org/systemd"')
    expect(warnings).to.deep.equal([])
  })

  it('leaves out a status that a newer one makes useless', async () => {
    const notifier = await createBusy()
    notifier.status('second')
    notifier.status('third')
    expect(await finish(notifier)).to.deep.equal([['STATUS=first'], ['STATUS=third']])
  })

  it('says nothing where the status is the one already shown', async () => {
    const notifier = create()
    notifier.status('same')
    await notifier.idle()
    notifier.status('same\n')
    expect(await finish(notifier)).to.deep.equal([['STATUS=same']])
  })

  it('keeps every change of state, in its order', async () => {
    const notifier = await createBusy()
    notifier.reloading('reloading')
    notifier.ready('done')
    notifier.status('4 workers')
    notifier.stopping('stopping')
    const messages = (await finish(notifier)).map(message => message.map(text => text.replace(/\d{3,}/, 'N')))
    expect(messages).to.deep.equal([
      ['STATUS=first'],
      ['RELOADING=1', 'MONOTONIC_USEC=N', 'STATUS=reloading'],
      ['READY=1', 'STATUS=4 workers'],
      ['STOPPING=1', 'STATUS=stopping'],
    ])
  })

  it('dates a reload by the monotonic clock', async () => {
    const before = process.hrtime.bigint() / 1_000n
    const notifier = create()
    notifier.reloading('reloading')
    const [message = []] = await finish(notifier)
    const [, text = ''] = /MONOTONIC_USEC=(\d+)/.exec(message.join(' ')) ?? []
    expect(BigInt(text) >= before && BigInt(text) <= process.hrtime.bigint() / 1_000n).to.equal(true)
  })

  it('makes one line of a status, whatever is in it', async () => {
    const notifier = create()
    notifier.status(`a\nREADY=1\0\t${'x'.repeat(5_000)}`)
    const [[status = ''] = []] = await finish(notifier)
    expect(status).to.match(/^STATUS=a READY=1 x+$/)
    expect(status.length).to.be.below(1_000)
  })

  it('beats twice as often as the watchdog demands', async () => {
    const notifier = create({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: String(process.pid) })
    expect(notifier.beat(1_000)).to.equal(16_000)
    await notifier.idle()
    expect(notifier.beat(15_999)).to.equal(16_000)
    expect(notifier.beat(16_000)).to.equal(31_000)
    expect(await finish(notifier)).to.deep.equal([['WATCHDOG=1'], ['WATCHDOG=1']])
  })

  it('does not beat for a watchdog of another process, or for none', () => {
    expect(create({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '1' }).beat(1)).to.equal(undefined)
    expect(create().beat(1)).to.equal(undefined)
    expect(create({ WATCHDOG_USEC: '0' }).beat(1)).to.equal(undefined)
  })

  it('lets a new arbiter beat, which is another process', () => {
    const notifier = create({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: String(process.pid) })
    expect(notifier.inheritable).to.deep.equal({ NOTIFY_SOCKET: '@/org/systemd', WATCHDOG_USEC: '30000000' })
    expect(create().inheritable).to.deep.equal({ NOTIFY_SOCKET: '@/org/systemd' })
    expect(notifyVariables).to.include.members(Object.keys(notifier.inheritable))
  })

  it('warns once, with the cure, where there is no systemd-notify', async () => {
    rmSync(join(folder, 'systemd-notify'))
    const notifier = create()
    notifier.ready('ready')
    await notifier.idle()
    notifier.status('more')
    await notifier.idle()
    expect(warnings).to.have.length(1)
    expect(warnings[0]).to.match(
      /no systemd-notify in PATH: install the package .*, or set Type=exec in the unit$/,
    )
  })

  it('warns once while systemd-notify fails, and goes on trying', async () => {
    writeFileSync(join(folder, 'fail'), '')
    const notifier = create()
    for (const text of ['a', 'b']) {
      notifier.status(text)
      await notifier.idle()
    }
    expect(warnings).to.deep.equal([
      'Cannot tell systemd STATUS through @/org/systemd: systemd-notify ended with code 1: no such socket',
    ])
    rmSync(join(folder, 'fail'))
    notifier.status('c')
    expect(await finish(notifier)).to.deep.equal([['STATUS=c']])
  })

  it('warns where systemd-notify cannot be started at all', async () => {
    const notifier = create({ NOTIFY_SOCKET: `@${'x'.repeat(200_000)}` })
    notifier.status('a')
    await notifier.idle()
    expect(warnings).to.have.length(1)
    expect(warnings[0]).to.match(/^Cannot tell systemd STATUS through @x+: spawn E2BIG$/)
  })

  it('warns where there is no descriptor left to start it with', function () {
    const program = fileURLToPath(new URL('without-descriptors.ts', import.meta.url))
    const { stdout, error } = spawnSync('prlimit', ['--nofile=64', process.execPath, program], {
      encoding: 'utf8',
    })
    if (error !== undefined) return this.skip()
    expect(stdout).to.equal(
      'EMFILE\nCannot tell systemd READY and STATUS through @/org/systemd: spawn systemd-notify EMFILE\n',
    )
  })

  it('is understood by the systemd-notify of this machine', async function () {
    const { PATH = '' } = process.env
    const isThere = PATH.split(':').some(place => existsSync(join(place, 'systemd-notify')))
    if (!isThere) {
      process.stderr.write('Skipping the test of the real systemd-notify: this machine has none\n')
      return this.skip()
    }
    expect(() => execFileSync('systemd-notify', ['--version'])).to.not.throw()
    const notifier = create({ PATH, NOTIFY_SOCKET: join(folder, 'nobody') })
    notifier.reloading('reloading')
    await notifier.idle()
    // It got as far as the socket, which is not there.
    expect(warnings[0]).to.match(/systemd-notify ended with code 1: .*No such file/)
  })

  it('goes on when a message cannot be sent at all, and says so once', async () => {
    // What the system throws, such as ENOMEM, is thrown at the same place.
    const notifier = create({ NOTIFY_SOCKET: '@/org\0/systemd' })
    notifier.ready('one')
    await notifier.idle()
    notifier.stopping('two')
    await notifier.idle()
    expect(warnings).to.have.length(1)
  })
})
