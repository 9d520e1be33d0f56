/** What is served after a start, and the reason and the exit code where one fails or only checks. */
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { overUnixSocket } from '../../support/requests.ts'
import { eventually, freePort, isAlive, launch, launchApp } from '../../support/tsicorn.ts'

const hello = `export default (req, res) => res.end('hello')\n`

const tsicorn = fileURLToPath(new URL('../../../daemon/tsicorn.js', import.meta.url))

describe('starting', () => {
  it('serves an app from several workers', async () => {
    const server = launchApp('pid.ts', ['-w', '2'])
    const url = await server.running()
    expect(server.workers).to.have.length(2)
    const pids = new Set<number>()
    await eventually('both workers answered', async () => {
      const response = await fetch(url, { headers: { connection: 'close' } })
      pids.add(((await response.json()) as { pid: number }).pid)
      return pids.size === 2
    })
    expect(server.workers).to.include.members([...pids])
  })

  it('serves what the configuration file says', async () => {
    const server = launch({
      files: {
        'tsicorn.config.ts': `
          import { defineConfig } from 'tsicorn'
          enum Fleet { Small = 3 }
          export default defineConfig({ app: './app.mjs', bind: ['127.0.0.1:0'], workers: Fleet.Small })`,
        'app.mjs': hello,
      },
    })
    const url = await server.running()
    expect(server.workers).to.have.length(3)
    expect(await (await fetch(url)).text()).to.equal('hello')
  })

  it('names arbiter and workers in their process titles', async () => {
    const server = launchApp('hello.ts', ['--name', 'shop'])
    await server.running()
    const { execFileSync } = await import('node:child_process')
    const titles = [server.pid, ...server.workers].map(pid =>
      execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).trim(),
    )
    expect(titles).to.deep.equal(['tsicorn: arbiter [shop]', 'tsicorn: worker [shop]'])
  })

  it('listens on several addresses and unix sockets at once', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-b', '[::1]:0', '-b', 'unix:app.sock', './app.mjs'],
      files: { 'app.mjs': hello },
    })
    await server.running()
    const urls = Array.from(server.log.matchAll(/Listening at: (http:\S+)/g), ([, url]) => url as string)
    expect(urls).to.have.length(2)
    for (const url of urls) expect(await (await fetch(url)).text()).to.equal('hello')
    expect(await overUnixSocket(`${server.folder}/app.sock`)).to.equal('hello')
    await server.stop()
    const { existsSync } = await import('node:fs')
    expect(existsSync(`${server.folder}/app.sock`)).to.equal(false)
  })

  it('replaces the socket file of a server that is gone', async () => {
    const server = launch({ args: ['-b', 'unix:app.sock', './app.mjs'], files: { 'app.mjs': hello } })
    await server.running()
    const orphans = server.workers
    server.signal('SIGKILL')
    await server.ended
    await eventually('the orphans left', () => !orphans.some(isAlive))
    const again = launch({ folder: server.folder, args: ['-b', 'unix:app.sock', './app.mjs'] })
    await again.running()
    expect(await overUnixSocket(`${server.folder}/app.sock`)).to.equal('hello')
  })
})

describe('a start that fails', () => {
  const broken: readonly {
    readonly what: string
    readonly files?: Record<string, string>
    readonly args: readonly string[]
    readonly code: number
    readonly says: RegExp
  }[] = [
    { what: 'an app file that is missing', args: ['./nowhere.js'], code: 3, says: /nowhere\.js/ },
    {
      what: 'an app that throws while it is imported',
      files: { 'app.mjs': `throw new Error('no database')` },
      args: ['./app.mjs'],
      code: 3,
      says: /no database[\s\S]*app\.mjs:1/,
    },
    {
      what: 'an export that is missing',
      files: { 'app.mjs': hello },
      args: ['./app.mjs:nothing'],
      code: 4,
      says: /nothing/,
    },
    {
      what: 'an export that is no app',
      files: { 'app.mjs': 'export default 42' },
      args: ['./app.mjs'],
      code: 4,
      says: /default is a number/,
    },
    { what: 'an unknown flag', args: ['--wrokers', '2', './a.js'], code: 2, says: /--wrokers.*--workers/ },
    { what: 'a number that is none', args: ['-w', 'many', './a.js'], code: 2, says: /many/ },
    { what: 'no app', args: [], code: 1, says: /No application named/ },
    { what: 'a configuration that is missing', args: ['-c', 'nowhere.ts'], code: 1, says: /nowhere\.ts/ },
    {
      what: 'two problems in the configuration',
      files: { 'tsicorn.config.mjs': `export default { timout: 3, workers: -1, app: './a.js' }` },
      args: [],
      code: 1,
      says: /timout[^\n]*timeout\?\n[^\n]*workers/,
    },
    {
      what: 'a configuration that throws',
      files: { 'tsicorn.config.mjs': `throw new Error('no secrets')` },
      args: [],
      code: 1,
      says: /tsicorn\.config\.mjs[\s\S]*no secrets/,
    },
    {
      what: 'a folder that is missing',
      args: ['--chdir', 'nowhere', './a.js'],
      code: 1,
      says: /chdir.*nowhere/,
    },
    {
      what: 'a setting that is not built',
      args: ['--asgi-lifespan', 'on', './a.js'],
      code: 1,
      says: /asgi_lifespan is not available yet/,
    },
    {
      what: 'a unix path that is a file',
      files: { 'app.sock': '', 'app.mjs': hello },
      args: ['-b', 'unix:app.sock', './app.mjs'],
      code: 1,
      says: /app\.sock: a file that is not a socket has that name/,
    },
    {
      what: 'a unix path in a folder that is missing',
      files: { 'app.mjs': hello },
      args: ['-b', 'unix:no/app.sock', './app.mjs'],
      code: 1,
      says: /the folder does not exist/,
    },
    {
      what: 'an address of another machine',
      files: { 'app.mjs': hello },
      args: ['-b', '192.0.2.1:8000', './app.mjs'],
      code: 1,
      says: /no interface of this machine has that address/,
    },
    {
      what: 'a hook that fails before the start',
      files: {
        'app.mjs': hello,
        'tsicorn.config.mjs': `export default { app: './app.mjs', on_starting() { throw new Error('not today') } }`,
      },
      args: [],
      code: 1,
      says: /on_starting failed: Error: not today/,
    },
  ]

  for (const { what, files = {}, args, code, says } of broken) {
    for (const workers of code > 2 ? ['1', '4'] : ['1']) {
      it(`because of ${what} ends with code ${code}${workers === '1' ? '' : ' with many workers'}`, async () => {
        const bind = args.includes('-b') ? [] : ['-b', '127.0.0.1:0']
        const server = launch({
          files,
          args: [...(code > 2 ? ['-w', workers] : []), ...bind, ...args],
          errors: true,
        })
        expect(await server.ended).to.deep.equal({ code, signal: null })
        expect(server.log).to.match(says)
      })
    }
  }

  it('because the app never finishes loading ends at boot_timeout', async () => {
    const server = launchApp('hangs-on-load.ts', ['--boot-timeout', '1'], { errors: true })
    expect(await server.ended).to.deep.equal({ code: 3, signal: null })
    expect(server.log).to.match(/boot_timeout\nIt stands\n +at .*hangs-on-load.ts/)
  })

  it('in a folder that has been removed says so', async () => {
    const server = launch({
      command: [
        'sh',
        '-c',
        'mkdir gone && cd gone && rmdir ../gone && exec "$@"',
        'sh',
        process.execPath,
        tsicorn,
      ],
      args: ['./app.mjs'],
    })
    expect(await server.ended).to.deep.equal({ code: 1, signal: null })
    expect(server.log).to.equal(
      'The folder that tsicorn is started in has been removed: start it in another one\n',
    )
  })

  it('because the port is taken tries five times and ends with code 1', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => other.once('listening', resolve))
    const { port } = other.address() as { port: number }
    const server = launch({
      args: ['-b', `127.0.0.1:${port}`, './app.mjs'],
      files: { 'app.mjs': hello },
      errors: true,
    })
    const { code } = await server.ended
    other.close()
    expect(code).to.equal(1)
    expect(server.log.match(/the address is in use/g)).to.have.length(5)
  })

  it('hears TERM while it waits for the port', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => other.once('listening', resolve))
    const { port } = other.address() as { port: number }
    const server = launch({
      args: ['-b', `127.0.0.1:${port}`, './app.mjs'],
      files: { 'app.mjs': hello },
      errors: true,
    })
    await server.says(/try 1 of 5/)
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null })
    other.close()
  })

  it('of two servers on one port, one serves and the other ends with code 1', async () => {
    const port = await freePort()
    const files = { 'app.mjs': hello }
    const args = ['-b', `127.0.0.1:${port}`, './app.mjs']
    const pair = [launch({ args, files, errors: true }), launch({ args, files, errors: true })] as const
    const { code } = await Promise.race(pair.map(server => server.ended))
    expect(code).to.equal(1)
    expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).to.equal('hello')
    expect(pair.filter(({ pid }) => isAlive(pid))).to.have.length(1)
  })
})

describe('--check-config', () => {
  it('says ok for an app that loads', async () => {
    const server = launchApp('hello.ts', ['--check-config'])
    expect((await server.ended).code).to.equal(0)
    expect(server.log).to.match(/ok/)
  })

  it('says ok for an app that listens by itself, without listening', async () => {
    const server = launchApp('listens.ts', ['--check-config'])
    expect((await server.ended).code).to.equal(0)
  })

  it('says why an app does not load', async () => {
    const server = launchApp('throws-on-load.ts', ['--check-config'])
    expect((await server.ended).code).to.equal(1)
    expect(server.log).to.match(/Error/)
  })
})
