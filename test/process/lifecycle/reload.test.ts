/** Reloads bring new code and settings and fail no request, and where they fail the old generation serves on. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { Load } from '../../support/http/load.ts'
import { eventually, freePort, launch, makeFolder, type Tsicorn } from '../../support/tsicorn.ts'

const config = (more = '') =>
  `export default { app: './app.mjs', bind: ['127.0.0.1:0'], workers: 2, ${more} }`
const app = (text: string) => `export default (req, res) => res.end('${text}')\n`

function serve(more = '', errors = false, text = 'one'): Tsicorn {
  return launch({ files: { 'tsicorn.config.mjs': config(more), 'app.mjs': app(text) }, errors })
}

function read(server: Tsicorn, path: string): string {
  const file = join(server.folder, path)
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

async function answer(url: string): Promise<string> {
  return await (await fetch(url, { headers: { connection: 'close' } })).text()
}

describe('reload', () => {
  it('brings new code, and nobody but new workers is left', async () => {
    const server = serve()
    const url = await server.running()
    const old = server.workers
    server.write('app.mjs', app('two'))
    await server.reload()
    expect(await answer(url)).to.equal('two')
    await eventually('the old workers left', () => !server.workers.some(pid => old.includes(pid)))
    expect(server.workers).to.have.length(2)
  })

  it('follows new settings, and those that were removed go back to their defaults', async () => {
    const server = serve(`raw_env: ['SEASON=spring'],`)
    server.write('app.mjs', `export default (req, res) => res.end(String(process.env.SEASON))\n`)
    const url = await server.running()
    server.write('tsicorn.config.mjs', config().replace('workers: 2', 'workers: 3'))
    await server.reload()
    expect(await answer(url)).to.equal('undefined')
    await eventually('three workers', () => server.workers.length === 3)
  })

  /** Clients of both kinds, which have no failure in the end. */
  async function whileServing(
    url: string,
    act: (answered: (count: number) => Promise<void>) => Promise<void>,
  ) {
    const loads = [true, false].map(keepAlive => new Load({ url, clients: 4, keepAlive }))
    await act(async count => {
      for (const load of loads) await load.answered(count)
    })
    for (const load of loads) {
      const { ok, failures } = await load.stop()
      expect(failures).to.deep.equal([])
      expect(ok).to.be.greaterThan(500)
    }
  }

  it('fails no request in ten reloads, on kept connections and on fresh ones', async () => {
    const server = serve()
    await whileServing(await server.running(), async answered => {
      for (let reload = 0; reload < 10; reload += 1) {
        await answered(50)
        await server.reload()
      }
      await answered(50)
    })
  }).timeout(240_000)

  it('TTIN and TTOU fail no request, on kept connections and on fresh ones', async () => {
    const server = serve()
    await whileServing(await server.running(), async answered => {
      for (let round = 0; round < 5; round += 1) {
        server.signal('SIGTTIN')
        await eventually('three workers', () => server.workers.length === 3)
        await answered(100)
        server.signal('SIGTTOU')
        await eventually('two workers', () => server.workers.length === 2)
        await answered(100)
      }
    })
  }).timeout(240_000)

  const broken: readonly {
    readonly what: string
    readonly files: Record<string, string>
    readonly says: RegExp
  }[] = [
    {
      what: 'an app that throws',
      files: { 'app.mjs': `throw new Error('no database')` },
      says: /generation 1 keeps serving: The app .* failed: Error: no database\n.*app\.mjs:1/,
    },
    {
      what: 'an app with a syntax error',
      files: { 'app.mjs': 'export default (' },
      says: /generation 1 keeps serving: .*app\.mjs/,
    },
    {
      what: 'an app that exports nothing of use',
      files: { 'app.mjs': 'export default 42' },
      says: /generation 1 keeps serving: The app .* cannot be used/,
    },
    {
      what: 'an app that hangs while it is loaded',
      files: { 'app.mjs': 'for (;;);', 'tsicorn.config.mjs': config('boot_timeout: 1,') },
      says: /generation 1 keeps serving: .*boot_timeout/,
    },
    {
      what: 'a configuration with a syntax error',
      files: { 'tsicorn.config.mjs': 'export default {' },
      says: /generation 1 keeps serving: .*tsicorn\.config\.mjs/,
    },
    {
      what: 'a configuration with a wrong value',
      files: { 'tsicorn.config.mjs': config(`timeout: 'soon',`) },
      says: /generation 1 keeps serving: .*timeout.*soon/,
    },
    {
      what: 'a hook that throws',
      files: { 'tsicorn.config.mjs': config(`on_reload() { throw new Error('not now') },`) },
      says: /generation 1 keeps serving: The hook on_reload failed: Error: not now/,
    },
  ]

  for (const { what, files, says } of broken) {
    it(`is abandoned because of ${what}, and fails no request`, async () => {
      const server = serve('', true)
      const url = await server.running()
      const old = server.workers
      const load = new Load({ url, clients: 4, keepAlive: true })
      await load.answered(20)
      for (const [path, text] of Object.entries(files)) server.write(path, text)
      await server.reload(says)
      await load.answered(20)
      expect((await load.stop()).failures).to.deep.equal([])
      await eventually('only the old workers are left', () => server.workers.length === old.length)
      expect(server.workers).to.deep.equal(old)
      server.write('app.mjs', app('mended'))
      server.write('tsicorn.config.mjs', config())
      await server.reload()
      expect(await answer(url)).to.equal('mended')
    })
  }

  it('is abandoned because of an address that is taken, and the old listeners stay', async () => {
    const port = await freePort()
    const other = launch({
      args: ['-b', `127.0.0.1:${port}`, './app.mjs'],
      files: { 'app.mjs': app('other') },
    })
    await other.running()
    const server = serve('', true)
    const url = await server.running()
    server.write(
      'tsicorn.config.mjs',
      config().replace(`'127.0.0.1:0'`, `'127.0.0.1:0', '127.0.0.1:${port}'`),
    )
    await server.reload(/generation 1 keeps serving: Cannot bind .*in use/)
    expect(await answer(url)).to.equal('one')
    expect(await answer(`http://127.0.0.1:${port}`)).to.equal('other')
  })

  it('opens new addresses, keeps those that stay, and closes those that are gone', async () => {
    const [a, b, c] = [await freePort(), await freePort(), await freePort()]
    const bound = (...ports: number[]) =>
      config().replace(`'127.0.0.1:0'`, ports.map(port => `'127.0.0.1:${port}'`).join())
    const server = launch({ files: { 'tsicorn.config.mjs': bound(a, b), 'app.mjs': app('here') } })
    await server.running()
    const load = new Load({ url: `http://127.0.0.1:${b}`, clients: 4, keepAlive: false })
    await load.answered(20)
    server.write('tsicorn.config.mjs', bound(b, c))
    await server.reload()
    expect(await answer(`http://127.0.0.1:${c}`)).to.equal('here')
    await load.answered(20)
    expect((await load.stop()).failures).to.deep.equal([])
    const next = launch({ args: ['-b', `127.0.0.1:${a}`, './app.mjs'], files: { 'app.mjs': app('next') } })
    await next.running()
    expect(await answer(`http://127.0.0.1:${a}`)).to.equal('next')
  })

  it('never leaves the address without a worker, even with one worker that takes long to load', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-w', '1', './app.mjs'],
      files: { 'app.mjs': `await new Promise(done => setTimeout(done, 1000))\n${app('one')}` },
    })
    const url = await server.running()
    const [old] = server.workers
    server.signal('SIGHUP')
    await server.says(/Booting worker 2/)
    expect(await answer(url)).to.equal('one')
    expect(server.workers[0]).to.equal(old)
    await server.says(/generation 2 serves/)
  })

  it('during a reload starts over with the newest files', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-w', '1', './app.mjs'],
      files: { 'app.mjs': app('one') },
    })
    const url = await server.running()
    server.write('app.mjs', `await new Promise(() => setInterval(() => 0, 1000))\n`)
    server.signal('SIGHUP')
    await server.says(/Booting worker 2/)
    server.write('app.mjs', app('three'))
    await server.reload(/generation 3 serves/)
    expect(await answer(url)).to.equal('three')
    await eventually('one worker', () => server.workers.length === 1)
  })

  it('is finished first when it has started over too often, and the newest files follow once', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-w', '1', './app.mjs'],
      files: { 'app.mjs': app('one') },
    })
    const url = await server.running()
    // It boots for as long as there is that file.
    const slow = (text: string) => `
      import { existsSync } from 'node:fs'
      console.log('loading')
      while (existsSync('boot')) await new Promise(done => setTimeout(done, 20))
      ${app(text)}`
    server.write('boot', '')
    server.write('app.mjs', slow('two'))
    for (const restart of [0, 1, 2, 3]) {
      server.signal('SIGHUP')
      await server.says(new RegExp(`starting generation ${restart + 2}\\n[^]*loading\\n`))
    }
    server.signal('SIGHUP')
    await server.says(/The reload follows when this one is over, which has started over 3 times\n/)
    server.write('app.mjs', slow('three'))
    server.signal('SIGHUP')
    await server.says(/The reload follows when this one is over/)
    rmSync(join(server.folder, 'boot'))
    await server.says(/Reload 4: generation 5 serves/)
    await server.says(/Reload 5: generation 6 serves/)
    expect(await answer(url)).to.equal('three')
  }).timeout(240_000)

  it('that is started over loses nothing, also where its workers have just begun to serve', async () => {
    const server = serve('reload_surge: 1, loglevel: "debug"')
    const url = await server.running()
    const load = new Load({ url, clients: 6, keepAlive: false })
    await load.answered(20)
    for (let round = 0; round < 6; round += 1) {
      server.signal('SIGHUP')
      const [, pid] = await server.says(/Booting worker \d+ \(pid (\d+)\)/)
      // The next one comes when the worker says what its app is: it is about to listen.
      await server.says(new RegExp(`\\[${pid}\\] \\[DEBUG\\] The app is`))
      server.signal('SIGHUP')
      await server.says(/generation \d+ serves/)
    }
    await load.answered(20)
    expect((await load.stop()).failures).to.deep.equal([])
  })

  it('that fails holds no worker to its limits', async () => {
    const limits = (timeout: number) =>
      `export default { bind: '127.0.0.1:0', workers: 2, timeout: ${timeout}, boot_timeout: 4 }\n`
    const server = launch({
      args: ['./app.mjs'],
      files: {
        'tsicorn.config.mjs': limits(30),
        'app.mjs': `export default (req, res) => {
          const until = performance.now() + 2_500
          while (req.url === '/busy' && performance.now() < until);
          res.end('one')
        }`,
      },
      errors: true,
    })
    const url = await server.running()
    const answers = Promise.all([answer(`${url}/busy`), answer(`${url}/busy`)])
    server.write('tsicorn.config.mjs', limits(1))
    server.write('app.mjs', `await new Promise(resolve => setTimeout(resolve, 1e6))`)
    server.signal('SIGHUP')
    expect(await answers).to.deep.equal(['one', 'one'])
    await server.says(/Reload 1 failed/)
    expect(server.log).not.to.contain('stood still')
  })

  it('that fails when it was not started over any more is followed by one with the newest files', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-w', '1', './app.mjs'],
      files: { 'app.mjs': app('one') },
      errors: true,
    })
    const url = await server.running()
    server.write('boot', '')
    server.write(
      'app.mjs',
      `import { existsSync } from 'node:fs'
      console.log('loading')
      while (existsSync('boot')) await new Promise(done => setTimeout(done, 20))
      throw new Error('no database')`,
    )
    for (const restart of [0, 1, 2, 3]) {
      server.signal('SIGHUP')
      await server.says(new RegExp(`starting generation ${restart + 2}\\n[^]*loading\\n`))
    }
    server.signal('SIGHUP')
    await server.says(/The reload follows when this one is over/)
    server.write('app.mjs', app('mended'))
    rmSync(join(server.folder, 'boot'))
    await server.says(/Reload 4 failed: generation 1 keeps serving: .*no database/)
    await server.says(/Reload 5: generation 6 serves/)
    expect(await answer(url)).to.equal('mended')
  }).timeout(240_000)

  it('before the first workers are ready is postponed until they are', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.mjs'],
      files: { 'app.mjs': `await new Promise(done => setTimeout(done, 500))\n${app('one')}` },
    })
    await server.says(/Booting worker 1/)
    server.signal('SIGHUP')
    await server.says(/The reload follows/)
    await server.says(/Running/)
    await server.says(/generation 2 serves/)
  })

  it('hears TERM at once', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.mjs'],
      files: { 'app.mjs': app('one') },
    })
    await server.running()
    server.write('app.mjs', `await new Promise(() => setInterval(() => 0, 1000))\n`)
    server.signal('SIGHUP')
    await server.says(/Booting worker 2/)
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null })
  })

  it('hears TERM while an old worker drains', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '--graceful-timeout', '2', './app.mjs'],
      files: { 'app.mjs': `export default (req, res) => { if (req.url !== '/stay') res.end('one') }` },
    })
    const url = await server.running()
    const stays = fetch(`${url}/stay`).catch(() => 'cut')
    await answer(url)
    await server.reload()
    server.signal('SIGTERM')
    await server.says(/Handling signal: term/)
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
    expect(await stays).to.equal('cut')
  })

  it('goes on while old workers have clients that stay, and says for whom it waits beyond that', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-w', '2', '--graceful-timeout', '600', './app.mjs'],
      files: { 'app.mjs': `export default (req, res) => res.write(String(process.pid))` },
    })
    const url = await server.running()
    const first = await streamsOfAll(url, 2)
    await server.reload(/Waiting for worker 1: [1-9]\d* connections?, [\d.]+ s at most/)
    await server.says(/Reload 1: generation 2 serves/)
    await server.reload(/Reload 2: generation 3 serves/)
    expect(server.workers).to.include.members([...first.keys()])
    const third = await streamsOfAll(url, 2)
    // Two of the first generation are as many as one fleet has.
    await server.reload(/Waiting for worker \d+: [1-9]\d* connections?, [56]\d\d\.\d s at most/)
    expect(server.workers.length).to.be.at.most(5)
    for (const stream of first.values()) stream.abort()
    await server.says(/Reload 3: generation 4 serves/)
    for (const stream of third.values()) stream.abort()
    await eventually('only the newest workers live', () => server.workers.length === 2)
  })

  it('moves the error log, and leaves it where it is when the reload fails', async () => {
    const server = serve(`errorlog: 'first.log',`, true)
    await eventually('the server runs', () => /Running/.test(read(server, 'first.log')))
    server.write('tsicorn.config.mjs', config(`errorlog: 'second.log',`))
    server.signal('SIGHUP')
    await eventually('the reload is over', () => /generation 2 serves/.test(read(server, 'second.log')))
    server.write('tsicorn.config.mjs', config(`errorlog: 'no/such/folder.log',`))
    server.signal('SIGHUP')
    await eventually('the reload failed', () =>
      /generation 2 keeps serving: Cannot open/.test(read(server, 'second.log')),
    )
  })

  it('follows a working folder that is a symbolic link', async () => {
    const { renameSync, symlinkSync } = await import('node:fs')
    const folder = makeFolder({ 'v1/app.mjs': app('one'), 'v2/app.mjs': app('two') })
    symlinkSync('v1', `${folder}/current`)
    const server = launch({
      folder,
      args: ['-b', '127.0.0.1:0', '--chdir', `${folder}/current`, './app.mjs'],
    })
    const url = await server.running()
    symlinkSync('v2', `${folder}/next`)
    renameSync(`${folder}/next`, `${folder}/current`)
    await server.reload()
    expect(await answer(url)).to.equal('two')
  })
})

/** Opens streams until so many workers have at least one; by their process ids. */
async function streamsOfAll(url: string, number: number): Promise<Map<number, AbortController>> {
  const streams = new Map<number, AbortController>()
  await eventually('every worker has a stream', async () => {
    const stream = new AbortController()
    const { body } = await fetch(url, { signal: stream.signal })
    const { value } = await (body as ReadableStream<Uint8Array>).getReader().read()
    const pid = Number(Buffer.from(value as Uint8Array).toString())
    if (streams.has(pid)) stream.abort()
    else streams.set(pid, stream)
    return streams.size === number
  })
  return streams
}
