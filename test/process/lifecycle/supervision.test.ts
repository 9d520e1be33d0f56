/** Workers that end or hang are replaced, and those that drain or have lost their arbiter finish what they have. */
import { connect } from 'node:net'
import { expect } from 'chai'
import { Load } from '../../support/http/load.ts'
import { eventually, isAlive, launch, launchApp } from '../../support/tsicorn.ts'

describe('a worker that ends', () => {
  for (const query of [
    'code=0',
    'code=1',
    'code=3',
    'code=4',
    'code=5',
    'signal=SIGKILL',
    'signal=SIGSEGV',
    'throw',
  ]) {
    it(`by ${query} is replaced, and the service stays`, async () => {
      const server = launchApp('crash.ts', ['-w', '2'], { errors: true })
      const url = await server.running()
      await fetch(`${url}/crash?${query}`).catch(() => undefined)
      await server.says(/Worker \d+ \(pid \d+\) (exited|was ended)/)
      await server.says(/Booting worker 3/)
      expect(await (await fetch(url)).text()).to.equal('alive')
      await eventually('two workers', () => server.workers.length === 2)
    })
  }

  it('by an exception that nothing catches has the error and its request in the log, in one line', async () => {
    const server = launchApp('crash.ts', ['-w', '1'], { errors: true })
    const url = await server.running()
    await fetch(`${url}/crash?throw`).catch(() => undefined)
    await server.says(
      /\[ERROR\] Worker 1 \(pid \d+\) exited with code 1: uncaught Error: crashed as asked \(it lived .* 1 in flight, \d+ MiB\)\n/,
    )
  })

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGKILL', 'SIGABRT'] as const) {
    it(`by ${signal} from outside is replaced, and the service stays`, async () => {
      const server = launchApp('hello.ts', ['-w', '2'], { errors: true })
      const url = await server.running()
      const [victim] = server.workers as [number]
      process.kill(victim, signal)
      await server.says(/Booting worker 3/)
      expect(await (await fetch(url)).text()).to.equal('hello')
      await eventually('the victim is gone', () => !isAlive(victim))
    })
  }

  it('by TERM from outside finishes its request and fails none', async () => {
    const server = launchApp('slow.ts', ['-w', '1'])
    const url = await server.running()
    const [worker] = server.workers as [number]
    const load = new Load({ url: `${url}/?ms=5`, clients: 4, keepAlive: true })
    const answer = fetch(`${url}/?ms=700`)
    await load.answered(10)
    process.kill(worker, 'SIGTERM')
    await server.says(/Worker 1 .* exited with code 0: it was sent TERM/)
    await load.answered(10)
    expect(await (await answer).text()).to.equal('slow')
    expect((await load.stop()).failures).to.deep.equal([])
  })

  it('again and again soon after its start is started at a slower pace, while its siblings serve on', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-w', '2', './app.mjs'],
      files: {
        'app.mjs': `
          import { existsSync, writeFileSync } from 'node:fs'
          // The first two live, the others die soon after they are ready.
          const lives = !existsSync('doom')
          if (!lives) setTimeout(() => process.exit(5), 100)
          export default (req, res) => {
            if (req.url === '/doom') { writeFileSync('doom', ''); res.end(); return setTimeout(() => process.exit(5), 50) }
            res.end('alive')
          }`,
      },
      errors: true,
    })
    const url = await server.running()
    await fetch(`${url}/doom`)
    await server.says(/2 workers in a row ended early: the next one starts in [01]\.\d s/)
    await server.says(/3 workers in a row ended early: the next one starts in 1\.\d s/)
    expect(await (await fetch(url)).text()).to.equal('alive')
  })

  it('before it is ready, in a running server, is no reason to stop', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-w', '2', './app.mjs'],
      files: { 'app.mjs': `export default (req, res) => res.end('alive')` },
      errors: true,
    })
    const url = await server.running()
    server.write('app.mjs', `throw new Error('no database')`)
    process.kill(server.workers[0] as number, 'SIGKILL')
    await server.says(/no database/)
    await server.says(/2 workers in a row ended early: the next one starts in [\d.]+ s: .*no database/)
    await server.says(/3 workers in a row ended early/)
    // The stack is told once, and then it is known.
    expect(server.log.match(/\[ERROR\].*no database/g)).to.have.length(1)
    expect(await (await fetch(url)).text()).to.equal('alive')
    server.write('app.mjs', `export default (req, res) => res.end('mended')`)
    await server.reload()
    await eventually('two workers', () => server.workers.length === 2)
  })
})

describe('without any worker that gets ready again', () => {
  it('the arbiter stays, says how to go on, and the queue waits', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-w', '1', './app.mjs'],
      files: { 'app.mjs': `export default (req, res) => res.end('alive')` },
      errors: true,
    })
    const url = await server.running()
    server.write('app.mjs', `throw new Error('no database')`)
    process.kill(server.workers[0] as number, 'SIGKILL')
    await server.says(/No worker serves: .* kill -HUP \d+/)
    const answer = fetch(url)
    server.write('app.mjs', `export default (req, res) => res.end('mended')`)
    await server.reload()
    expect(await (await answer).text()).to.equal('mended')
  })
})

describe('a worker that hangs', () => {
  it('is killed at timeout and replaced, while others serve', async () => {
    const server = launchApp('hang.ts', ['-w', '2', '--timeout', '1'], { errors: true })
    const url = await server.running()
    const cut = fetch(`${url}/hang`).catch(() => 'cut')
    await server.says(/Booting worker 3/)
    await server.says(/WORKER TIMEOUT: killing worker \d/)
    await server.says(/at blockForEver \(.*test\/apps\/hang\.ts:10:/)
    await server.says(/GET \/hang from 127\.0\.0\.1 for [1-9]/)
    expect(await cut).to.equal('cut')
    expect(await (await fetch(url)).text()).to.equal('alive')
  })

  it('while it is loaded is killed at boot_timeout, and says where it hangs', async () => {
    const server = launchApp('hangs-on-load.ts', ['--boot-timeout', '3'], { errors: true })
    await server.says(/WORKER TIMEOUT: killing worker 1 .*boot_timeout/)
    await server.says(/at .*hangs-on-load\.ts:\d+/)
    expect(await server.ended).to.deep.equal({ code: 3, signal: null })
  })

  it('in native code is killed, and the log says that there is no stack', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-w', '1', '--timeout', '1', './app.mjs'],
      files: {
        'app.mjs': `import { pbkdf2Sync } from 'node:crypto'
          export default (req, res) => { if (req.url === '/hash') pbkdf2Sync('a', 'b', 2 ** 31 - 1, 64, 'sha512'); res.end('ok') }`,
      },
      errors: true,
    })
    const url = await server.running()
    const cut = fetch(`${url}/hash`).catch(() => 'cut')
    await server.says(/Its JavaScript stack cannot be read: it is stuck in native code/)
    expect(await cut).to.equal('cut')
  })

  it('in native code, and comes back while it is asked for its stack, is not killed', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-w', '1', '--timeout', '1', './app.mjs'],
      files: {
        'app.mjs': `import { execFileSync } from 'node:child_process'
          export default (req, res) => { if (req.url === '/slow') execFileSync('sleep', ['4']); res.end('ok') }`,
      },
      errors: true,
    })
    const url = await server.running()
    const slow = fetch(`${url}/slow`)
    await server.says(/Not killing worker 1 .*its event loop stood still for timeout\): it has come back/)
    expect(await (await slow).text()).to.equal('ok')
  })

  it('because the arbiter was stopped for a while is not killed', async () => {
    const server = launchApp('hello.ts', ['-w', '2', '--timeout', '1'])
    const url = await server.running()
    const workers = server.workers
    server.signal('SIGSTOP')
    await new Promise(resolve => setTimeout(resolve, 2_500))
    server.signal('SIGCONT')
    server.signal('SIGTTIN')
    await server.says(/Booting worker 3/)
    expect(server.workers).to.include.members(workers)
    expect(await (await fetch(url)).text()).to.equal('hello')
  })

  it('because the whole server was stopped for a while is not killed', async () => {
    const server = launchApp('hello.ts', ['-w', '2', '--timeout', '1'])
    const url = await server.running()
    const workers = server.workers
    for (const pid of [server.pid, ...workers]) process.kill(pid, 'SIGSTOP')
    // This is what is tested: time that passes while nobody runs.
    await new Promise(resolve => setTimeout(resolve, 2_500))
    for (const pid of [server.pid, ...workers]) process.kill(pid, 'SIGCONT')
    expect(await (await fetch(url)).text()).to.equal('hello')
    server.signal('SIGTTIN')
    await server.says(/Booting worker 3/)
    expect(server.workers).to.include.members(workers)
  })
})

describe('an arbiter that is killed', () => {
  it('leaves no worker behind', async () => {
    const server = launchApp('hello.ts', ['-w', '2'])
    const url = await server.running()
    const load = new Load({ url, clients: 2, keepAlive: true })
    await load.answered(20)
    const { workers } = server
    server.signal('SIGKILL')
    await eventually('the workers left', () => !workers.some(isAlive))
    await load.stop()
  })

  it('has its workers finish the requests under way', async () => {
    const server = launchApp('slow.ts', ['-w', '2'])
    const url = await server.running()
    const { workers } = server
    const answer = fetch(`${url}/?ms=700`)
    await eventually('the request is under way', async () => (await fetch(`${url}/?ms=0`)).ok)
    server.signal('SIGKILL')
    expect(await (await answer).text()).to.equal('slow')
    await eventually('the workers left', () => !workers.some(isAlive))
  })
})

describe('draining', () => {
  it('answers what the kernel had queued when TERM came', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-w', '1', './app.mjs'],
      files: {
        'app.mjs': `export default (req, res) => {
          if (req.url === '/block') { process.stdout.write('blocking'); for (const end = Date.now() + 1500; Date.now() < end;); }
          res.end('served')
        }`,
      },
    })
    const url = await server.running()
    const blocked = fetch(`${url}/block`)
    await server.says(/blocking/)
    const queued = Array.from({ length: 5 }, () => ask(url))
    await eventually('all are queued', async () =>
      (await Promise.all(queued)).every(({ connected }) => connected),
    )
    server.signal('SIGTERM')
    expect(await (await blocked).text()).to.equal('served')
    for (const one of queued) expect(await (await one).answer).to.match(/^HTTP\/1\.1 200[\s\S]*served$/)
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
  })

  it('tells live connections to close, and closes idle ones', async () => {
    const server = launchApp('slow.ts', ['-w', '1'])
    const url = await server.running()
    const idle = connect(Number(new URL(url).port), '127.0.0.1')
    const closed = new Promise(resolve => idle.once('end', () => resolve('closed')))
    idle.on('data', () => undefined).write('GET /?ms=0 HTTP/1.1\r\nHost: x\r\n\r\n')
    await new Promise(resolve => idle.once('data', resolve))
    const answer = fetch(`${url}/?ms=700`)
    await eventually('the request is under way', async () => (await fetch(`${url}/?ms=0`)).ok)
    server.signal('SIGTERM')
    expect((await answer).headers.get('connection')).to.equal('close')
    expect(await closed).to.equal('closed')
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
  })

  it('waits for a request whose head is half sent', async () => {
    const server = launchApp('hello.ts', ['-w', '1'])
    const url = await server.running()
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n')
    await eventually('the connection is accepted', async () => (await fetch(url)).ok)
    await server.reload()
    socket.write('\r\n')
    let text = ''
    for await (const chunk of socket) text += chunk
    expect(text).to.match(/^HTTP\/1\.1 200[\s\S]*Connection: close[\s\S]*hello$/)
  })
})

interface Asked {
  readonly connected: boolean
  readonly answer: Promise<string>
}

/** Sends a request and resolves as soon as the kernel has the connection. */
async function ask(url: string): Promise<Asked> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  const answer = (async () => {
    let text = ''
    for await (const chunk of socket) text += chunk
    return text
  })().catch((error: Error) => error.message)
  await new Promise(resolve => socket.once('connect', resolve))
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  return { connected: true, answer }
}
