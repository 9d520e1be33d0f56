/** WSGI applications that cannot be loaded, and hosts that do not last. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { open, rest } from '../../support/http/raw.ts'
import { describeWithPython, launchModule, launchPython } from '../../support/python/launch.ts'
import { fresh } from '../../support/requests.ts'
import { childrenOf, eventually, isAlive, launch, makeFolder, type Tsicorn } from '../../support/tsicorn.ts'

const app = `
def application(environ, start_response):
    start_response('200 OK', [])
    return [b'works']
`

/** What a server says that does not start, and its exit code. */
async function failure(server: Tsicorn): Promise<{ code: number | null; log: string }> {
  const { code } = await server.ended
  return { code, log: server.log }
}

function start(args: readonly string[], files: Readonly<Record<string, string>> = {}): Tsicorn {
  return launch({ files, args: ['-b', '127.0.0.1:0', '-k', 'wsgi', ...args], errors: true })
}

describeWithPython('a WSGI application that cannot be loaded', () => {
  it('ends the first start with the codes of Gunicorn, and its whole traceback', async () => {
    const files = {
      'raises.py': 'import nested\n',
      'nested.py': 'def f():\n    raise ValueError("while it was imported")\nf()\n',
      'value.py': 'application = 3\n',
    }
    const raises = await failure(start(['raises'], files))
    expect(raises.log).to.match(
      /The app "raises" failed: Traceback \(most recent call last\):\n {2}File "\S+raises\.py", line 1[\s\S]*nested\.py", line 2, in f[\s\S]*ValueError: while it was imported/,
    )
    expect(raises.log.match(/ValueError: while it was/g)).to.have.length(1)
    expect(raises.code).to.equal(3)
    const unusable = await failure(start(['value'], files))
    expect(unusable.log).to.match(
      /cannot be used: application of the module 'value' is no application: 3 cannot/,
    )
    expect(unusable.code).to.equal(4)
  })

  it('is found by --check-config, with its traceback', async () => {
    const files = { 'app.py': app, 'bad.py': 'raise ValueError("bad")\n' }
    const good = launch({ files, args: ['--check-config', '-k', 'wsgi', 'app'] })
    expect(await failure(good)).to.deep.include({ code: 0, log: 'The configuration and the app are ok\n' })
    const bad = launch({ files, args: ['--check-config', 'bad'], errors: true })
    const { code, log } = await failure(bad)
    expect(log).to.match(/The app "bad" failed: Traceback[\s\S]*ValueError: bad/)
    expect(code).to.equal(1)
  })

  it('leaves the old one serving when it is reloaded', async () => {
    const server = launchPython(app, [], { errors: true })
    const url = await server.running()
    server.write('app.py', 'raise ValueError("new and broken")\n')
    await server.reload(/Reload \d+ failed[\s\S]*ValueError: new and broken/)
    expect(await fresh(url)).to.equal('works')
  })

  it('refuses settings for Python where Node serves', async () => {
    const server = launch({
      files: { 'app.mjs': 'export default () => {}' },
      args: ['-k', 'async', '--pythonpath', 'lib', '--threads', '2', './app.mjs'],
    })
    const { code, log } = await failure(server)
    expect(log).to.contain('--pythonpath: pythonpath needs worker_class wsgi, not async')
    expect(log).to.contain('--threads: threads needs worker_class wsgi or threads, not async')
    expect(code).to.equal(1)
  })
})

describeWithPython('a Python host', () => {
  it('that dies takes its request with it, and another one serves those that wait', async () => {
    const server = launchModule('odd', ['--threads', '1'], { errors: true })
    const url = await server.running()
    const [worker] = server.workers
    for (const [path, how] of [
      ['/dies', /The Python process \d+ ended with code 9, and with it GET \/dies: starting another one/],
      [
        '/crashes',
        /was killed by SIGSEGV:\nFatal Python error: Segmentation fault[\s\S]*odd\.py", line \d+ in crashes/,
      ],
    ] as const) {
      const dying = fetch(`${url}${path}`)
      const others = Array.from({ length: 5 }, async () => await fresh(`${url}/hello`))
      expect((await dying).status).to.equal(502)
      await server.says(how)
      for (const body of await Promise.all(others)) expect(body).to.equal('hello')
    }
    const [host] = childrenOf(worker as number)
    process.kill(host as number, 'SIGKILL')
    await server.says(/The Python process \d+ was killed by SIGKILL: starting another one/)
    expect(await fresh(`${url}/hello`)).to.equal('hello')
    expect(server.workers).to.deep.equal([worker])
  })

  it('ends with its worker, even when that is killed, or Python cannot run', async () => {
    const stuck = `
import re
def application(environ, start_response):
    start_response('200 OK', [])
    if environ['PATH_INFO'] == '/stuck':
        print('now it is stuck')
        re.match(r'(a+)+$', 'a' * 40 + 'b')
    return [b'works']
`
    const server = launchPython(stuck, [], { errors: true })
    const url = await server.running()
    const [worker] = server.workers as [number]
    const [host] = childrenOf(worker) as [number]
    const socket = await open(url)
    socket.write('GET /stuck HTTP/1.1\r\nHost: a\r\n\r\n')
    await server.says(/now it is stuck/)
    process.kill(worker, 'SIGKILL')
    await rest(socket)
    await eventually('the host is gone', () => !isAlive(host))
    await server.says(/Booting worker 2/)
    expect(await fresh(url)).to.equal('works')
  })

  it('is given up where another one cannot be started, and the worker is replaced', async () => {
    const text = `
import os
if os.path.exists('broken'):
    raise ValueError('broken now')
def application(environ, start_response):
    start_response('200 OK', [])
    if environ['PATH_INFO'] == '/dies':
        open('broken', 'w').close()
        os._exit(1)
    return [b'works']
`
    const server = launchPython(text, [], { errors: true })
    const url = await server.running()
    expect(await fresh(url)).to.equal('works')
    expect((await fetch(`${url}/dies`)).status).to.equal(502)
    await server.says(/another Python process could not be started: The app "app" failed: [\s\S]*broken now/)
    await server.says(/Booting worker 2/)
    rmSync(join(server.folder, 'broken'))
    expect(await fresh(url)).to.equal('works')
  })

  it('that no descriptors are left for costs the worker, and no request of it', async function () {
    const server = launchPython(app, [], { errors: true })
    const url = await server.running()
    const [worker] = server.workers as [number]
    const [host] = childrenOf(worker) as [number]
    if (spawnSync('prlimit', ['--pid', `${worker}`, '--nofile=8:4096']).status !== 0) return this.skip()
    process.kill(host, 'SIGKILL')
    await server.says(
      /another Python process could not be started: Cannot start Python \(\S+\): spawn \S+ EMFILE: raise the limit/,
    )
    await server.says(/Booting worker 2/)
    expect(await fresh(url)).to.equal('works')
    expect(server.log).not.to.match(/uncaught/)
  })

  it('has what it prints in the error log, in whole lines', async () => {
    const folder = makeFolder()
    const server = launchModule('odd', ['--error-logfile', join(folder, 'error.log')])
    await eventually('it serves', () => readLog(folder).includes('Running: '))
    const url = /Listening at: (\S+)/.exec(readLog(folder))![1]
    expect(await fresh(`${url}/prints`)).to.equal('printed')
    expect(await fresh(`${url}/logs`)).to.equal('logged')
    expect(await fresh(`${url}/floods`)).to.equal('flooded')
    await eventually('all is printed', () => readLog(folder).includes('flood 19999 '))
    await server.stop()
    const lines = readLog(folder).split('\n')
    for (const word of ['a', 'b', 'c', 'd'].map(letter => letter.repeat(20)))
      expect(lines.filter(line => line === `${word} ${word} ${word}`)).to.have.length(200)
    expect(lines).to.include.members([
      'half a line and its end',
      'a warning of logging',
      'written to wsgi.errors',
      'two',
    ])
    expect(lines.filter(line => /^flood \d+ x{80}$/.test(line))).to.have.length(20_000)
    rmSync(folder, { recursive: true })
  })
})

function readLog(folder: string): string {
  const file = join(folder, 'error.log')
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}
