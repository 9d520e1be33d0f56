/** The error log of a server: whose lines it has, how it is reopened, and what happens when it cannot be written. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { eventually, freePort, launch, makeFolder, type Tsicorn } from '../../support/tsicorn.ts'

const command = join(import.meta.dirname, '../../../daemon/tsicorn.js')

const files = { 'app.mjs': `export default (_req, res) => res.end('hello')\n` }

function launchLogged(...args: readonly string[]): Tsicorn {
  return launch({ args: ['-b', '127.0.0.1:0', ...args, './app.mjs'], files, errors: true })
}

function read(server: Tsicorn, name: string): string {
  const path = `${server.folder}/${name}`
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

/** Waits until a log file says it. */
async function says(server: Tsicorn, name: string, pattern: RegExp): Promise<void> {
  await eventually(`${name} says ${pattern}`, () => pattern.test(read(server, name)))
}

describe('the error log', () => {
  it('is a file where one is named, and standard error stays empty', async () => {
    const server = launchLogged('--error-logfile', 'error.log')
    await says(server, 'error.log', /Running: 1 worker/)
    expect((await server.stop()).code).to.equal(0)
    expect(server.log).to.equal('')
    const lines = read(server, 'error.log').trimEnd().split('\n')
    const form = /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\] \[\d+\] \[(INFO|WARNING)\] \S/
    expect(lines.filter(line => !form.test(line))).to.deep.equal([])
    expect(lines.at(-1)).to.match(/Stopped$/)
  })

  it('is appended to', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '--error-logfile', 'error.log', './app.mjs'],
      files: { ...files, 'error.log': 'from before\n' },
    })
    await says(server, 'error.log', /Running/)
    expect(read(server, 'error.log')).to.match(/^from before\n\[/)
  })

  it('has the lines of a worker, under the pid of that worker', async () => {
    const server = launchLogged('--log-level', 'debug', '-w', '2')
    await server.running()
    const said = server.log.matchAll(/\[(\d+)\] \[DEBUG\] The app is a request listener\n/g)
    expect(Array.from(said, ([, pid]) => Number(pid))).to.have.members(server.workers)
  })

  it('leaves out what is less severe than its level', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '--log-level', 'warning', './app.mjs'],
      files: {
        ...files,
        'tsicorn.config.mjs': `export default { when_ready: server => server.log.warning('it runs') }`,
      },
      errors: true,
    })
    await server.says(/\[WARNING\] it runs\n/)
    process.kill(server.workers[0]!, 'SIGKILL')
    await server.says(/\[ERROR\] Worker 1 .* was ended by SIGKILL.*\n/)
    await server.stop()
    expect(server.log).not.to.match(/INFO|DEBUG/)
  })

  it('is reopened by USR1, and arbiter and workers go on in the new file', async () => {
    const server = launchLogged('--error-logfile', 'error.log', '--log-level', 'debug')
    await says(server, 'error.log', /Running/)
    renameSync(`${server.folder}/error.log`, `${server.folder}/error.log.1`)
    server.signal('SIGUSR1')
    await says(server, 'error.log.1', /Handling signal: usr1/)
    server.signal('SIGTTIN')
    await eventually('the new file has the lines of the new worker', () => {
      const [, pid] = /Booting worker 2 \(pid (\d+)\)/.exec(read(server, 'error.log')) ?? []
      return (
        pid !== undefined &&
        read(server, 'error.log').includes(`[${pid}] [DEBUG] The app is a request listener`)
      )
    })
    const old = read(server, 'error.log.1')
    await server.stop()
    expect(read(server, 'error.log.1')).to.equal(old)
    expect(read(server, 'error.log')).to.match(/Stopped\n$/)
  })

  it('is reopened by HUP', async () => {
    const server = launchLogged('--error-logfile', 'error.log')
    await says(server, 'error.log', /Running/)
    renameSync(`${server.folder}/error.log`, `${server.folder}/error.log.1`)
    server.signal('SIGHUP')
    await eventually('the new file says that the reload is over', () =>
      /Reload 1: generation 2 serves/.test(read(server, 'error.log')),
    )
    await server.stop()
    const whole = read(server, 'error.log.1') + read(server, 'error.log')
    for (const line of ['Running', 'Handling signal: hup', 'generation 2 serves', 'Stopped']) {
      expect(whole.split(line), line).to.have.length(2)
    }
  })
})

describe('a log that nobody reads', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`holds up no end by ${signal}`, async () => {
      const port = await freePort()
      const folder = makeFolder(files)
      const args = [command, '-b', `127.0.0.1:${port}`, '--access-logfile', '-', './app.mjs']
      // The standard streams of a child of Node are sockets, which nobody reads here.
      const server = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
      const ended = once(server, 'exit')
      const url = `http://127.0.0.1:${port}/${'x'.repeat(2_000)}`
      await eventually('it serves', () =>
        fetch(url).then(
          ({ ok }) => ok,
          () => false,
        ),
      )
      // More than fits in the buffers of the kernel.
      for (let count = 0; count < 400; count += 1) await (await fetch(url)).text()
      server.kill(signal)
      await ended
      expect(server.exitCode ?? server.signalCode).to.be.oneOf([0, 'SIGTERM'])
    })
  }
})

describe('a log that cannot be written', () => {
  const unwritable: readonly (readonly [
    what: string,
    args: readonly string[],
    says: RegExp,
    code?: number,
  ])[] = [
    [
      'an error log in a folder that is missing',
      ['--error-logfile', 'missing/error.log'],
      /^Cannot open errorlog "\S*missing\/error\.log" for appending: no such file or directory: create its folder, or use "-" for standard error\n$/,
    ],
    [
      'an error log that is a folder',
      ['--error-logfile', 'folder'],
      /^Cannot open errorlog "\S*folder" for appending: .*: name a file, not a folder, or use "-" for standard error\n$/,
    ],
    [
      'an access log in a folder that is missing',
      ['--access-logfile', 'missing/access.log'],
      /\[CRITICAL\] Cannot start: Cannot open accesslog "\S*missing\/access\.log" for appending: no such file or directory: create its folder, or use "-" for standard output\n/,
    ],
    [
      'an access log that is a folder',
      ['--access-logfile', 'folder'],
      /\[CRITICAL\] Cannot start: Cannot open accesslog "\S*folder" for appending: .*: name a file, not a folder, or use "-" for standard output\n/,
    ],
    [
      'an access log with a format that cannot be read',
      ['--access-logfile', '-', '--access-logformat', '%(h)s %z'],
      /^--access-logformat: access_log_format must be json, a function, or text in which each percent sign begins an atom, such as %\(h\)s, or is doubled, not "%\(h\)s %z"\n$/,
      2,
    ],
  ]
  for (const [what, args, message, code = 1] of unwritable) {
    it(`${what}: one clear message and exit code ${code}`, async () => {
      const server = launch({ args: ['-w', '2', ...args, './app.mjs'], files, errors: true })
      mkdirSync(`${server.folder}/folder`)
      expect(await server.ended).to.deep.equal({ code, signal: null })
      expect(server.log).to.match(message)
      expect(server.log.match(/Cannot open|must be json/g)).to.have.length(1)
      expect(server.log).not.to.match(/\n +at /)
    })
  }

  it('aborts a reload, and the old generation goes on in the old one', async () => {
    const config = (accesslog: string) =>
      `export default { app: './app.mjs', bind: '127.0.0.1:0', access_log_format: '%(U)s', accesslog: '${accesslog}' }`
    const server = launch({
      files: { ...files, 'tsicorn.config.mjs': config('access.log') },
      errors: true,
    })
    const url = await server.running()
    server.write('tsicorn.config.mjs', config('missing/access.log'))
    await server.reload(/Reload 1 failed: generation 1 keeps serving: Cannot open accesslog .*\n/)
    await (await fetch(`${url}/still`)).text()
    await server.stop()
    expect(read(server, 'access.log')).to.equal('/still\n')
  })
})
