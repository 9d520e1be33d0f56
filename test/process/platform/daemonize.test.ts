/** The command of a daemon returns when it serves, or fails with the reason and leaves nothing behind. */
import { readFileSync, readlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { cleanUpDaemons, launchIn, openFolder, pidIn, read, stopDaemon } from '../../support/daemons.ts'
import { childrenOf, eventually, isAlive, type Tsicorn } from '../../support/tsicorn.ts'

const command = fileURLToPath(new URL('../../../daemon/tsicorn.js', import.meta.url))

const logged = ['-D', '--error-logfile', 'error.log'] as const

const hangs = 'await new Promise(resolve => setTimeout(resolve, 600_000))'

/** The address of a daemon whose error log is a file. */
async function answer(folder: string): Promise<string> {
  const [, url] = /Listening at: (http:\S+)/.exec(read(folder, 'error.log')) ?? []
  return await (await fetch(url as string, { headers: { connection: 'close' } })).text()
}

async function bootingWorker(folder: string): Promise<{ readonly arbiter: number; readonly worker: number }> {
  let match: RegExpExecArray | null = null
  await eventually('a worker boots', () => {
    try {
      match = /\[(\d+)\] \[INFO\] Booting worker 1 \(pid (\d+)\)/.exec(read(folder, 'error.log'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    return match !== null
  })
  const [, arbiter, worker] = match as unknown as RegExpExecArray
  return { arbiter: Number(arbiter), worker: Number(worker) }
}

function isGone(...pids: readonly number[]): boolean {
  return !pids.some(isAlive)
}

describe('a daemon', () => {
  afterEach(cleanUpDaemons)

  it('is not ready because its configuration says so', async () => {
    const folder = openFolder({
      'app.mjs': `throw new Error('no database')`,
      'tsicorn.config.mjs': `
        for (const message of [null, 5, 'ready', {}, { type: 'ready' }, { type: 'log' }]) process.send?.(message)
        export default {}`,
    })
    const launcher = launchIn(folder, logged, { errors: true })
    expect(await launcher.ended).to.deep.equal({ code: 3, signal: null })
    expect(launcher.log).to.match(/no database/)
  })

  it('serves when the command returns 0, which says nothing then', async () => {
    const folder = openFolder()
    const launcher = launchIn(folder, [...logged, '-w', '2'])
    expect(await launcher.ended).to.deep.equal({ code: 0, signal: null })
    expect(launcher.log).to.equal('')
    expect(pidIn(folder)).to.not.equal(launcher.pid)
    expect(childrenOf(pidIn(folder))).to.have.length(2)
    expect(await answer(folder)).to.equal('hello')
    await stopDaemon(folder)
    expect(read(folder, 'error.log')).to.match(/Stopped\n$/)
  })

  it('has a session of its own, no terminal, no standard streams, umask 022, and the folder of the command', async () => {
    const folder = openFolder()
    await launchIn(folder, [...logged]).ended
    const pid = pidIn(folder)
    const [, , group, session, terminal] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    expect([group, session, terminal]).to.deep.equal([String(pid), String(pid), '0'])
    for (const id of [pid, ...childrenOf(pid)]) {
      for (const fd of [0, 1, 2]) expect(readlinkSync(`/proc/${id}/fd/${fd}`)).to.equal('/dev/null')
      expect(/Umask:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1]).to.equal('0022')
      expect(readlinkSync(`/proc/${id}/cwd`)).to.equal(folder)
    }
  })

  it('is operated by signals like any other', async () => {
    const folder = openFolder()
    await launchIn(folder, [...logged]).ended
    const pid = pidIn(folder)
    for (const [signal, outcome] of [
      ['SIGHUP', /generation 2 serves/],
      ['SIGWINCH', /Wanted: 0 workers/],
      ['SIGHUP', /generation 3 serves/],
    ] as const) {
      process.kill(pid, signal)
      await eventually(String(outcome), () => outcome.test(read(folder, 'error.log')))
    }
    process.kill(pid, 'SIGUSR2')
    await eventually('the new arbiter serves', () => /The new arbiter serves/.test(read(folder, 'error.log')))
    const newArbiter = pidIn(folder, 'app.pid.2')
    process.kill(pid, 'SIGTERM')
    await eventually('the new arbiter is promoted', () => /Promoted/.test(read(folder, 'error.log')))
    await eventually('the old arbiter is gone', () => isGone(pid))
    expect(pidIn(folder)).to.equal(newArbiter)
    expect(await answer(folder)).to.equal('hello')
    await stopDaemon(folder)
  })

  it('shows its log until it is ready where the log would be lost, and says that it is lost then', async () => {
    const folder = openFolder()
    const launcher = launchIn(folder, ['-D'])
    expect((await launcher.ended).code).to.equal(0)
    expect(launcher.log).to.match(
      /^\[.*Starting tsicorn[\s\S]*Booting worker[\s\S]*Running: 1 worker ready\n/,
    )
    expect(launcher.log).to.match(/From here on the error log goes nowhere: set errorlog to a file\n$/)
    await stopDaemon(folder)
  })

  it('keeps standard streams that were redirected, with enable_stdio_inheritance', async () => {
    const folder = openFolder({
      'app.mjs': `console.log('loaded')\nexport default (req, res) => res.end('hello')`,
    })
    const script = 'exec "$0" "$@" > out.log 2>&1'
    const launcher = launchIn(folder, ['-D', '-R'], {
      command: ['/bin/sh', '-c', script, process.execPath, command],
    })
    expect((await launcher.ended).code).to.equal(0)
    await stopDaemon(folder)
    expect(launcher.log).to.equal('')
    expect(read(folder, 'out.log')).to.match(/^loaded\n/m)
    for (const line of ['Starting tsicorn', 'Running: 1 worker', 'Stopped']) {
      expect(read(folder, 'out.log').split(line), line).to.have.length(2)
    }
  })

  it('of two on one pidfile, the second ends with code 1 and leaves the first alone', async () => {
    const folder = openFolder()
    await launchIn(folder, [...logged]).ended
    const pid = pidIn(folder)
    const second = launchIn(folder, [...logged], { errors: true })
    expect((await second.ended).code).to.equal(1)
    expect(second.log).to.match(/^Cannot take the pidfile .*the server with pid \d+ has it.*\n$/)
    expect(pidIn(folder)).to.equal(pid)
    expect(await answer(folder)).to.equal('hello')
  })
})

describe('a daemon that does not start', () => {
  afterEach(cleanUpDaemons)

  const failures: readonly (readonly [
    what: string,
    app: string,
    args: readonly string[],
    code: number,
    says: RegExp,
  ])[] = [
    ['because the app throws', `throw new Error('no database')`, [], 3, /no database/],
    ['because there is no app', 'export default 42', [], 4, /default is a number/],
    ['because an address cannot be bound', '', ['-b', '192.0.2.1:8000'], 1, /no interface of this machine/],
    ['because the app never loads', hangs, ['--boot-timeout', '1'], 3, /boot_timeout/],
  ]
  for (const [what, app, args, code, says] of failures) {
    for (const log of ['-', 'error.log']) {
      it(`${what} returns ${code} with the reason, where errorlog is ${log}`, async () => {
        const folder = openFolder({ 'app.mjs': app })
        const launcher = launchIn(folder, ['-D', '--error-logfile', log, ...args], { errors: true })
        expect(await launcher.ended).to.deep.equal({ code, signal: null })
        expect(launcher.log).to.match(says)
        if (log !== '-') expect(launcher.log).not.to.match(/INFO/)
        const [, pid] = /\[(\d+)\] \[CRITICAL\] Cannot start/.exec(launcher.log) ?? []
        expect(isGone(Number(pid))).to.equal(true)
        expect(() => read(folder, 'app.pid')).to.throw(/ENOENT/)
      })
    }
  }

  it('because of its configuration says so at once', async () => {
    const folder = openFolder({ 'tsicorn.config.mjs': 'export default { timout: 3 }' })
    const launcher = launchIn(folder, ['-D'], { errors: true })
    expect((await launcher.ended).code).to.equal(1)
    expect(launcher.log).to.equal('tsicorn.config.mjs: timout is not a setting: did you mean timeout?\n')
  })

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGKILL'] as const) {
    it(`because its command was ended by ${signal} leaves nothing behind`, async () => {
      const folder = openFolder({ 'app.mjs': hangs })
      const launcher = launchIn(folder, [...logged])
      const { arbiter, worker } = await bootingWorker(folder)
      launcher.signal(signal)
      expect(await launcher.ended).to.deep.equal({ code: null, signal })
      await eventually('the daemon is gone', () => isGone(arbiter, worker))
      expect(() => read(folder, 'app.pid')).to.throw(/ENOENT/)
    })
  }

  it('because somebody ended it says so and returns 1', async () => {
    const folder = openFolder({ 'app.mjs': hangs })
    const launcher: Tsicorn = launchIn(folder, [...logged])
    const { arbiter, worker } = await bootingWorker(folder)
    process.kill(arbiter, 'SIGKILL')
    expect(await launcher.ended).to.deep.equal({ code: 1, signal: null })
    expect(launcher.log).to.match(/The server was ended before it was ready: SIGKILL\n$/)
    await eventually('the worker is gone', () => isGone(worker))
  })
})
