/** `preload_app` with `wsgi`: a fork server imports the application once, and the hosts of all workers are forked from it. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { Load } from '../../support/http/load.ts'
import {
  forkedBy,
  forkServerOf,
  forkServersOf,
  launchForking,
  privateMemoryOf,
  workersOf,
} from '../../support/python/fork-server.ts'
import { describeWithPython, launchPython } from '../../support/python/launch.ts'
import { answers, fresh } from '../../support/requests.ts'
import { childrenOf, eventually, isAlive, type Tsicorn } from '../../support/tsicorn.ts'

/** Notes who imports it; answers with the process that serves. */
const app = (version: number, more = '') => `
import os, sys, time
with open('imported', 'a') as file:
    file.write('%d\\n' % os.getpid())
${more}
def application(environ, start_response):
    path = environ['PATH_INFO']
    if path == '/slow':
        print('a slow one has begun')
        time.sleep(1)
    if path == '/pid':
        body = '%d' % os.getpid()
    elif path == '/large':
        body = 'x' * 3000000
    else:
        body = 'v${version}'
    start_response('200 OK', [('Content-Length', str(len(body)))])
    return [body.encode()]
`

const importers = (server: Tsicorn) => server.read('imported').trim().split('\n').map(Number)

describeWithPython('a fork server', () => {
  it('imports the application once, and its hosts share the memory of that', async () => {
    const large = 'DATA = [{"n": n} for n in range(200000)]'
    const without = launchPython(app(1, large))
    await without.running()
    const [alone] = without.workers.flatMap(pid => childrenOf(pid))
    const server = launchForking(app(1, large), ['-w', '2'])
    const url = await server.running()
    expect(importers(server)).to.deep.equal([forkServerOf(server)])
    const hosts = forkedBy(server)
    expect(hosts).to.have.length(2)
    expect(workersOf(server).flatMap(pid => childrenOf(pid))).to.deep.equal([])
    for (let n = 0; n < 20; n += 1) expect(hosts).to.include(Number(await fresh(`${url}/pid`)))
    expect((await fresh(`${url}/large`)).length).to.equal(3_000_000)
    const whole = privateMemoryOf(alone as number)
    for (const host of hosts) expect(privateMemoryOf(host) / whole).to.be.lessThan(0.25)
  })

  it('leaves with its generation, after a reload that loses nothing', async () => {
    const server = launchForking(app(1), ['-w', '2'])
    const url = await server.running()
    const load = new Load({ url, clients: 3, keepAlive: true })
    for (let version = 2; version <= 3; version += 1) {
      const old = forkServerOf(server)
      const hosts = forkedBy(server)
      const slow = fresh(`${url}/slow`)
      await server.says(/a slow one has begun/)
      server.write('app.py', app(version))
      await server.reload()
      expect(await slow).to.equal(`v${version - 1}`)
      expect(await fresh(url)).to.equal(`v${version}`)
      expect(forkServerOf(server)).not.to.equal(old)
      await eventually('the old ones are gone', () => ![old, ...hosts].some(isAlive))
    }
    const { failures, ok } = await load.stop()
    expect(failures).to.deep.equal([])
    expect(ok).to.be.greaterThan(0)
    expect(importers(server)).to.deep.equal(forkServersOf(server))
  })

  it('may be killed: its hosts serve on, workers start without it, and another one takes over', async () => {
    const server = launchForking(app(1), ['-w', '1'], { errors: true })
    const url = await server.running()
    const before = forkServerOf(server)
    const [host] = forkedBy(server)
    const load = new Load({ url, clients: 2, keepAlive: true })
    process.kill(before, 'SIGKILL')
    await server.says(/Fork server \(pid \d+\) was killed by SIGKILL: its processes serve on/)
    expect(await fresh(`${url}/pid`)).to.equal(`${host}`)
    // Whichever comes first: the next fork server, or this worker.
    server.signal('SIGTTIN')
    await server.says(/Booting worker 2/)
    await eventually('there are two hosts', async () => {
      const seen = new Set<string>()
      for (let n = 0; n < 10; n += 1) seen.add(await fresh(`${url}/pid`))
      return seen.size === 2
    })
    await eventually('another fork server is ready', () => forkServersOf(server).length === 2)
    expect(forkServerOf(server)).not.to.equal(before)
    server.signal('SIGTTIN')
    await eventually('it forks', () => forkedBy(server).length > 0)
    await eventually('all serve', async () => {
      const seen = new Set<string>()
      for (let n = 0; n < 20; n += 1) seen.add(await fresh(`${url}/pid`))
      return seen.size === 3
    })
    expect((await load.stop()).failures).to.deep.equal([])
    expect(isAlive(host as number)).to.equal(true)
  })

  it('lets a worker start Python by itself while there is none', async () => {
    const server = launchForking(app(1), ['-w', '1'], { errors: true })
    const url = await server.running()
    // The next one does not load.
    server.write(
      'app.py',
      `${app(2)}\nif os.getppid() == ${server.pid}: raise ValueError('not as a fork server')\n`,
    )
    process.kill(forkServerOf(server), 'SIGKILL')
    await server.says(/Another fork server could not be started: [\s\S]*ValueError: not as a fork server/)
    const [worker] = workersOf(server)
    process.kill(worker as number, 'SIGKILL')
    await server.says(/\[WARNING\] The fork server is no help \(.*\): the worker starts Python by itself/)
    await eventually('it serves', async () => (await fresh(url).catch(() => '')) === 'v2')
  })

  it('leaves nothing behind, neither processes nor files', async () => {
    const server = launchForking(app(1), ['-w', '2', '--worker-tmp-dir', '.'])
    const url = await server.running()
    const processes = [forkServerOf(server), ...forkedBy(server)]
    expect(await fresh(`${url}/large`)).to.have.length(3_000_000)
    const folders = () => readdirSync(server.folder).filter(name => name.startsWith('tsicorn-forks-'))
    expect(folders()).to.have.length(1)
    const slow = fresh(`${url}/slow`)
    await server.says(/a slow one has begun/)
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null })
    expect(await slow).to.equal('v1')
    await eventually('all are gone', () => !processes.some(isAlive))
    expect(folders()).to.deep.equal([])
  })

  it('ends with an arbiter that is killed, and so do its hosts', async () => {
    const thread = 'import threading\nthreading.Thread(target=threading.Event().wait).start()'
    const server = launchForking(app(1, thread), ['--worker-tmp-dir', '.'])
    await server.running()
    const processes = [forkServerOf(server), ...forkedBy(server)]
    server.signal('SIGKILL')
    await server.ended
    await eventually('all are gone', () => !processes.some(isAlive))
    expect(readdirSync(server.folder).filter(name => name.startsWith('tsicorn-forks-'))).to.deep.equal([])
  })

  it('that cannot import the application ends the first start, and fails a reload', async () => {
    const broken = `${app(1)}\ndef f():\n    raise ValueError('while it was imported')\nf()\n`
    const first = launchForking(broken, [], { errors: true })
    await first.says(
      /Cannot start: The app "app" failed: Traceback[\s\S]*app\.py", line \d+, in f\n[\s\S]*ValueError: while it was imported/,
    )
    expect(await first.ended).to.deep.equal({ code: 4, signal: null })
    expect(first.log).not.to.match(/Booting worker/)
    const server = launchForking(app(1), [], { errors: true })
    const url = await server.running()
    const before = forkServerOf(server)
    server.write('app.py', broken)
    await server.reload(
      /Reload 1 failed: generation 1 keeps serving: [\s\S]*ValueError: while it was imported/,
    )
    expect(await fresh(url)).to.equal('v1')
    expect(isAlive(before)).to.equal(true)
    expect(server.log.match(/Booting worker/g)).to.have.length(1)
    server.write('app.py', app(2))
    await server.reload()
    expect(await fresh(url)).to.equal('v2')
  })

  it('has boot_timeout for that', async () => {
    const server = launchForking('import time\ntime.sleep(60)\n', ['--boot-timeout', '1'], { errors: true })
    await server.says(/Cannot start: The app did not load within boot_timeout \(1 s\)/)
    expect((await server.ended).code).to.equal(4)
  })

  it('imports Python files that have changed, with --reload', async () => {
    const server = launchForking(app(1), ['--reload'])
    await server.says(/Watching: /)
    const url = await server.running()
    server.write('app.py', app(2))
    await server.says(/Reload \d+: generation \d+ serves/)
    await answers(url, 'v2')
    expect(forkedBy(server)).to.include(Number(await fresh(`${url}/pid`)))
  })

  it('says that threads of the application are in no worker', async () => {
    const threads = `import threading
event = threading.Event()
threading.Thread(target=event.wait, name='the-thread', daemon=True).start()`
    const server = launchForking(app(1, threads))
    const url = await server.running()
    expect(server.log).to.match(/has started threads while it was imported \(the-thread\): with preload_app/)
    expect(await fresh(url)).to.equal('v1')
  })

  it('ends the host of a worker that is killed, and knows how a host has ended', async () => {
    const server = launchForking(app(1), ['-w', '1'], { errors: true })
    const url = await server.running()
    const [host] = forkedBy(server)
    process.kill(host as number, 'SIGKILL')
    await server.says(/The Python process \d+ was killed by SIGKILL: starting another one/)
    await eventually('another one serves', async () => (await fresh(url)) === 'v1')
    const [second] = forkedBy(server)
    const [worker] = workersOf(server)
    process.kill(worker as number, 'SIGKILL')
    await eventually('its host is gone', () => !isAlive(second as number))
    await server.says(/Booting worker 2/)
    await eventually('the next one serves', async () => (await fresh(url).catch(() => '')) === 'v1')
    expect(existsSync(join('/proc', `${forkServerOf(server)}`))).to.equal(true)
  })
})
