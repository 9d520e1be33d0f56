/** Apps that choose their own host and port: where they are served when the operator says where, and when not. */
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { fresh, overUnixSocket } from '../../support/requests.ts'
import { eventually, freePort, launch, launchText } from '../../support/tsicorn.ts'
import { retire, upgrade } from '../../support/upgrading.ts'

const app = (...listens: readonly string[]) => `import { createServer } from 'node:http'
const serve = name => createServer((req, res) => res.end(name + ' ' + process.pid))
${listens.join('\n')}\n`

/** Answers while the app gets ready; one that is closed at once only looks whether the port is free. */
const placeholder = `import { createServer } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
const starting = createServer((req, res) => { res.statusCode = 503; res.end('starting') }).listen(process.env.PORT)
for (let turns = 0; turns < 3; turns += 1) await turn()`

/** The first answer of the app that begins with this name. */
async function answers(url: string, name: string): Promise<string> {
  for (;;) {
    // Node's `close` cuts connections whose requests have not come yet.
    const answer = await fresh(url).catch(() => 'starting')
    if (answer.startsWith(name)) return answer
    expect(answer).to.match(/^(one|starting)/)
  }
}

/** Somebody else's server there does as well. */
async function takeDefault(): Promise<Server> {
  const rival = createServer()
  const taken = new Promise(resolve => rival.once('listening', resolve).once('error', resolve))
  rival.listen(8000, '127.0.0.1')
  await taken
  return rival
}

describe('where an app listens', () => {
  it('it is served when nobody says where, by all workers and after reloads', async () => {
    const port = await freePort()
    const server = launch({
      args: ['-w', '2', './app.mjs'],
      files: { 'app.mjs': app(`serve('app').listen(${port}, '127.0.0.1')`) },
    })
    await server.running()
    expect(server.log).to.contain(`Listening at: http://127.0.0.1:${port}`)
    expect(server.log).to.contain(`The app listens on port ${port} of 127.0.0.1, and tsicorn does not`)
    const url = `http://127.0.0.1:${port}`
    const seen = new Set<string>()
    while (seen.size < 2) seen.add(await fresh(url))
    await server.reload()
    expect(await fresh(url)).to.match(/^app /)
    expect(server.log.match(/and tsicorn does not/g)).to.have.length(1)
  })

  it('it is served when nobody says where, and it falls back on a port of its own', async () => {
    const port = await freePort()
    const server = launch({
      args: ['./app.mjs', '--', '--port', String(port)],
      files: { 'app.mjs': app(`serve('app').listen(process.env.PORT ?? process.argv[3])`) },
    })
    await server.running()
    expect(await fresh(`http://127.0.0.1:${port}`)).to.match(/^app /)
  })

  it('it is served on a unix socket, whose file it removes as a program of its own does', async () => {
    const server = launch({
      args: ['-w', '2', './app.mjs'],
      files: {
        'app.mjs': `import fs, { unlinkSync } from 'node:fs'
          import { rm } from 'node:fs/promises'
          import { createServer } from 'node:http'
          try { unlinkSync('app.sock') } catch {}
          await rm('app.sock', { force: true })
          await new Promise(resolve => fs.unlink('app.sock', resolve))
          process.on('exit', () => fs.rmSync(process.cwd() + '/app.sock', { force: true }))
          createServer((req, res) => res.end('here')).listen('app.sock', () => fs.chmodSync('app.sock', 0o660))`,
      },
    })
    await server.running()
    const path = join(server.folder, 'app.sock')
    expect(await overUnixSocket(path)).to.equal('here')
    await server.reload()
    expect(await overUnixSocket(path)).to.equal('here')
    await server.stop()
    expect(existsSync(path)).to.equal(false)
  })

  it('has no name by which a line of the log could be forged', async () => {
    const path = String.raw`./app\n[2026-01-01 00:00:00 +0000] [1] [CRITICAL] forged`
    const server = launch({
      args: ['./app.mjs'],
      files: { 'app.mjs': app(`serve('app').listen('${path}')`) },
      errors: true,
    })
    await server.running()
    expect(server.log).to.match(/Listening at: unix:.*app\n {2}\[2026-01-01 .* forged\n/)
    expect(server.log).not.to.match(/^\[2026-01-01/m)
  })

  it('it is served by IPv4 and by IPv6 apart, before and after a reload and an upgrade', async () => {
    const port = await freePort()
    const six = `serve('six').listen({ port: ${port}, host: '::', ipv6Only: true })`
    const server = launch({
      args: ['-w', '2', './app.mjs'],
      files: { 'app.mjs': app(six, `serve('four').listen(${port}, '127.0.0.1')`) },
    })
    const answers = async () => [
      (await fresh(`http://127.0.0.1:${port}`)).split(' ')[0],
      (await fresh(`http://[::1]:${port}`)).split(' ')[0],
    ]
    await server.running()
    expect(await answers()).to.deep.equal(['four', 'six'])
    await server.reload()
    expect(await answers()).to.deep.equal(['four', 'six'])
    const newArbiter = await upgrade(server)
    await retire(server, server.pid)
    expect(await answers()).to.deep.equal(['four', 'six'])
    process.kill(newArbiter, 'SIGTERM')
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
  })

  it('it finds its address by number and listens on the others of that name, as Fastify does', async () => {
    const port = await freePort()
    const server = launch({
      args: ['-w', '2', './app.mjs'],
      files: {
        'app.mjs': app(`
          import { lookup } from 'node:dns'
          const main = serve('app').listen(${port}, 'localhost', () => {
            lookup('localhost', { all: true }, (_, all) => {
              const { address } = main.address()
              console.log('Its address is', address)
              const others = all.filter(other => other.address !== address)
              for (const other of others) serve('other').on('error', () => {}).listen(${port}, other.address)
            })
          })`),
      },
    })
    await server.running()
    expect(await fresh(`http://127.0.0.1:${port}`)).to.match(/^app /)
    expect(server.log).to.contain('Its address is 127.0.0.1\n').and.not.to.contain('Its address is localhost')
    expect(server.log.match(/and tsicorn does not/g)).to.have.length(1)
  })

  it('it is served although somebody else has the default', async () => {
    const port = await freePort()
    const rival = await takeDefault()
    const server = launch({
      args: ['-w', '2', './app.mjs'],
      files: { 'app.mjs': app(`serve('app').listen(${port}, '127.0.0.1')`) },
    })
    await server.running()
    await server.reload()
    rival.close()
    expect(await fresh(`http://127.0.0.1:${port}`)).to.match(/^app /)
  })

  const needsDefault = {
    exports: `export default (req, res) => res.end('app')`,
    'listens nowhere in particular': `serve('app').listen()`,
  }
  for (const [what, text] of Object.entries(needsDefault)) {
    it(`it ends with code 1 where somebody else has the default and it ${what}`, async () => {
      const rival = await takeDefault()
      const server = launch({ args: ['./app.mjs'], files: { 'app.mjs': app(text) }, errors: true })
      await server.says(/try 4 of 5/)
      expect(await server.ended).to.deep.equal({ code: 1, signal: null })
      rival.close()
      expect(server.log).to.contain('Cannot start: Cannot bind 127.0.0.1:8000: the address is in use')
    })
  }

  it('it is served at the default when nobody says where, the app neither', async () => {
    const port = await freePort()
    const server = launch({
      args: ['./app.mjs'],
      files: {
        'app.mjs': app(
          `serve('app').listen({ port: process.env.PORT, host: '0.0.0.0' })`,
          `serve('metrics').listen(${port}, '127.0.0.1')`,
        ),
      },
    })
    expect(await server.running()).to.equal('http://127.0.0.1:8000')
    await server.reload()
    expect(await fresh(server.url)).to.match(/^app /)
    expect(await fresh(`http://127.0.0.1:${port}`)).to.match(/^metrics /)
  })

  it('with PORT and a host of its own, it is served on that host alone', async () => {
    const port = await freePort()
    const server = launch({
      args: ['./app.mjs'],
      env: { PORT: String(port) },
      files: { 'app.mjs': app(`serve('app').listen(process.env.PORT, '127.0.0.1')`) },
    })
    await server.running()
    const addresses = Array.from(server.log.matchAll(/Listening at: (\S+)/g), ([, url]) => url)
    expect(addresses.at(-1)).to.equal(`http://127.0.0.1:${port}`)
    expect(await fresh(`http://127.0.0.1:${port}`)).to.match(/^app /)
    await fetch(`http://127.0.0.2:${port}`).then(
      () => expect.fail('It is reached by another address'),
      () => undefined,
    )
  })

  it('with PORT and two hosts of its own, it is served on both, also when the second one comes at a reload', async () => {
    const port = await freePort()
    const one = `serve('one').listen(process.env.PORT, '127.0.0.1')`
    const two = `serve('two').listen(process.env.PORT, '127.0.0.2')`
    const server = launch({
      args: ['./app.mjs'],
      env: { PORT: String(port) },
      files: { 'app.mjs': app(one) },
    })
    await server.running()
    const isReached = async (host: string, name: string) =>
      expect(await fresh(`http://${host}:${port}`)).to.match(new RegExp(`^${name} `))
    await isReached('127.0.0.1', 'one')
    for (const listens of [
      [one, two],
      [two, one],
      [one, `serve('two').listen(process.env.PORT, '127.0.0.3')`],
    ]) {
      server.write('app.mjs', app(...listens))
      await server.reload()
      await isReached('127.0.0.1', 'one')
      await isReached(listens.at(-1)?.includes('0.3') ? '127.0.0.3' : '127.0.0.2', 'two')
    }
  })

  it('it is served although somebody else has the default address', async () => {
    const rival = createServer()
      .listen(8000, '127.0.0.1')
      .on('error', () => undefined)
      .unref()
    await new Promise(resolve => rival.once('listening', resolve).once('error', resolve))
    const port = await freePort()
    const server = launch({
      args: ['./app.mjs'],
      files: { 'app.mjs': app(`serve('app').listen(${port}, '127.0.0.1')`) },
    })
    await server.running()
    expect(await fresh(`http://127.0.0.1:${port}`)).to.match(/^app /)
    await server.stop()
    const exporting = launch({
      args: ['./app.mjs'],
      files: { 'app.mjs': 'export default (req, res) => res.end()' },
      errors: true,
    })
    await exporting.says(
      /Cannot bind 127\.0\.0\.1:8000: the address is in use.*\(try 1 of 5, the next in 1 second\)/,
    )
    rival.close()
    if (rival.listening) await exporting.running()
  })

  it('with a host of its own is served there, although PORT has a default', async () => {
    const server = launch({
      args: ['./app.mjs'],
      files: { 'app.mjs': app(`serve('app').listen(process.env.PORT, '127.0.0.3')`) },
    })
    await server.running()
    const addresses = Array.from(server.log.matchAll(/Listening at: (\S+)/g), ([, url]) => url as string)
    expect(addresses.at(-1)).to.equal('http://127.0.0.3:8000')
    expect(await fresh('http://127.0.0.3:8000')).to.match(/^app /)
  })

  it('is refused with the cure where it contradicts -b', async () => {
    const port = await freePort()
    const server = launch({
      args: ['-b', `0.0.0.0:${port}`, './app.mjs'],
      files: { 'app.mjs': app(`serve('app').listen(${port}, 'localhost')`) },
      errors: true,
    })
    expect(await server.ended).to.deep.equal({ code: 4, signal: null })
    expect(server.log).to.contain(
      `The app listens on port ${port} of localhost only, and tsicorn is bound to http://0.0.0.0:${port}: start tsicorn with -b localhost:${port}, or let the app listen without a host`,
    )
  })

  it('in two places, both are served by all workers', async () => {
    const [one, two] = [await freePort(), await freePort()]
    const server = launch({
      args: ['-b', `127.0.0.1:${one}`, '-w', '2', './app.mjs'],
      files: {
        'app.mjs': app(`serve('app').listen(${one})`, `serve('metrics').listen(${two}, '127.0.0.1')`),
      },
    })
    await server.running()
    for (const [port, name] of [
      [one, 'app'],
      [two, 'metrics'],
    ]) {
      const seen = new Set<string>()
      while (seen.size < 2) seen.add(await fresh(`http://127.0.0.1:${port}`))
      for (const answer of seen) expect(answer).to.match(new RegExp(`^${name} \\d+$`))
    }
  })

  it('in another place in one worker only, that one serves it', async () => {
    const [one, two] = [await freePort(), await freePort()]
    const server = launch({
      args: ['-b', `127.0.0.1:${one}`, '-w', '3', './app.mjs'],
      files: {
        'app.mjs': app(
          `serve('app').listen(${one})`,
          `if (process.env.NODE_APP_INSTANCE === '0') serve('metrics').listen(${two}, '127.0.0.1')`,
        ),
      },
    })
    await server.running()
    const answer = await fresh(`http://127.0.0.1:${two}`)
    expect(answer).to.match(/^metrics /)
    expect(await fresh(`http://127.0.0.1:${two}`)).to.equal(answer)
    await server.reload()
    expect(await fresh(`http://127.0.0.1:${two}`)).to.match(/^metrics /)
  })

  it('in one more place for each worker, all of these are served, also after a reload', async () => {
    const port = await freePort()
    const own = [await freePort(), await freePort(), await freePort(), await freePort()]
    const files = {
      'app.mjs': app(
        `serve('app').listen(${port}, '127.0.0.1')`,
        `serve('own').listen(${JSON.stringify(own)}[process.env.NODE_APP_INSTANCE], '127.0.0.1')`,
      ),
    }
    const server = launch({ args: ['-w', '4', './app.mjs'], files, errors: true })
    await server.running()
    for (const attempt of ['at first', 'reloaded']) {
      expect(await fresh(`http://127.0.0.1:${port}`), attempt).to.match(/^app /)
      const pids = await Promise.all(own.map(async one => await fresh(`http://127.0.0.1:${one}`)))
      expect(new Set(pids).size, attempt).to.equal(4)
      if (attempt === 'at first') await server.reload()
    }
    expect(server.log).not.to.match(/\[ERROR\]/)
  })

  it('in one more place for each worker, those of workers that come later are served as well', async () => {
    const port = await freePort()
    const own = [await freePort(), await freePort(), await freePort()]
    const files = {
      'app.mjs': app(
        `serve('app').listen(${port}, '127.0.0.1')`,
        `serve('own').listen(${JSON.stringify(own)}[process.env.NODE_APP_INSTANCE], '127.0.0.1')`,
      ),
    }
    const server = launch({ args: ['-w', '1', './app.mjs'], files, errors: true })
    await server.running()
    for (const [index, one] of own.entries()) {
      if (index > 0) server.signal('SIGTTIN')
      await eventually('it is served', async () =>
        /^own /.test(await fresh(`http://127.0.0.1:${one}`).catch(() => '')),
      )
      expect(await fresh(`http://127.0.0.1:${port}`)).to.match(/^app /)
    }
    await server.says(/generation \d+ serves \(3 workers/)
    expect(server.log).not.to.match(/\[ERROR\]/)
  })

  it('in one more place that each worker chooses anew, that one stays its own, also after a reload', async () => {
    const port = await freePort()
    const random = `import { createServer as plainServer } from 'node:net'
      const probe = plainServer()
      const chosen = await new Promise(resolve =>
        probe.listen(0, '127.0.0.1', () => { const { port } = probe.address(); probe.close(() => resolve(port)) }))`
    const files = {
      'app.mjs': `${random}\n${app(
        `serve('own').listen(chosen, '127.0.0.1')`,
        `serve(chosen).listen(${port}, '127.0.0.1')`,
      )}`,
    }
    const server = launch({ args: ['-w', '3', './app.mjs'], files, errors: true })
    await server.running()
    for (const attempt of ['at first', 'reloaded']) {
      const [chosen, pid] = (await fresh(`http://127.0.0.1:${port}`)).split(' ')
      expect(await fresh(`http://127.0.0.1:${chosen}`), attempt).to.equal(`own ${pid}`)
      if (attempt === 'at first') await server.reload()
    }
    expect(server.log.match(/its workers choose another one each time and keep it/g)).to.have.length(1)
  })

  it('beside what it exports, it listens still', async () => {
    const [one, two] = [await freePort(), await freePort()]
    const server = launch({
      args: ['-b', `127.0.0.1:${one}`, '-w', '2', './app.mjs'],
      files: {
        'app.mjs': app(
          `serve('metrics').listen(${two}, '127.0.0.1')`,
          `export default (req, res) => res.end('app')`,
        ),
      },
    })
    await server.running()
    expect(await fresh(`http://127.0.0.1:${one}`)).to.equal('app')
    expect(await fresh(`http://127.0.0.1:${two}`)).to.match(/^metrics /)
  })

  it('may move at a reload, and the old address is given up', async () => {
    const [one, two] = [await freePort(), await freePort()]
    const at = (port: number) => app(`serve('${port}').listen(${port}, '127.0.0.1')`)
    const server = launch({ args: ['./app.mjs'], files: { 'app.mjs': at(one) } })
    await server.running()
    server.write('app.mjs', at(two))
    await server.reload()
    expect(await fresh(`http://127.0.0.1:${two}`)).to.contain(`${two} `)
    await server.says(/exited with code 0: replaced/)
    const rival = createServer().listen(one, '127.0.0.1')
    await once(rival, 'listening')
    rival.close()
  })

  it('it is refused when it closes its server as it loads, and exports another', async () => {
    const server = launchText(`export default (req, res) => res.end('old')`, [], { errors: true })
    const url = await server.running()
    server.write(
      'app.mjs',
      `${placeholder}
      await new Promise(resolve => starting.close(resolve))
      export default (req, res) => res.end('app')`,
    )
    await server.reload(/generation 1 keeps serving: The app closed its server on .* and opened no other/)
    expect(await fresh(url)).to.equal('old')
  })

  const replacements: Readonly<Record<string, string>> = {
    'as it loads': `await new Promise(resolve => starting.close(resolve))
      real.listen(process.env.PORT)`,
    'at once': `starting.close()
      real.listen(process.env.PORT)`,
    'soon after it is loaded': `starting.close()
      setTimeout(() => real.listen(process.env.PORT), 100)`,
    'when it serves': `setTimeout(() => starting.close(() => real.listen(process.env.PORT)), 500)`,
    'after a look whether the port is free': `const { createServer: createTcp } = await import('node:net')
      setTimeout(() => starting.close(() => {
        const probe = createTcp().listen(process.env.PORT, () => probe.close(() => real.listen(process.env.PORT)))
      }), 500)`,
    'with itself': `setTimeout(() => starting.close(() => {
        starting.removeAllListeners('request')
        starting.on('request', answer).listen(process.env.PORT)
      }), 500)`,
  }
  for (const [what, then] of Object.entries(replacements)) {
    it(`it is served when it replaces its server: ${what}`, async () => {
      const app = (name: string) => `${placeholder}
        const answer = (req, res) => res.end('${name} ' + process.pid)
        const real = createServer(answer)
        ${then}`
      const server = launch({
        args: ['-b', '127.0.0.1:0', '--access-logfile', 'access.log', './app.mjs'],
        files: { 'app.mjs': app('one') },
      })
      const url = await server.running()
      const first = await answers(url, 'one')
      server.write('app.mjs', app('two'))
      await server.reload()
      await answers(url, 'two')
      await server.says(new RegExp(`\\(pid ${first.slice(4)}\\) exited with code 0: replaced`))
      expect(server.log).not.to.contain('the app closed its server')
      await eventually('the answers are in the access log', () => {
        const lines = readFileSync(join(server.folder, 'access.log'), 'utf8')
        return (lines.match(/" 200 /g)?.length ?? 0) >= 2
      })
    })
  }

  it('it is served on a unix socket when it replaces its server there', async () => {
    const server = launch({
      args: ['-b', 'unix:app.sock', './app.mjs'],
      files: {
        'app.mjs': `${placeholder}
          starting.close(() => createServer((req, res) => res.end('real')).listen(process.env.PORT))`,
      },
    })
    await server.running()
    const socket = join(server.folder, 'app.sock')
    while ((await overUnixSocket(socket)) !== 'real');
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null })
    expect(existsSync(socket)).to.equal(false)
  })

  it('it is served at every address when it replaces its server', async () => {
    const port = await freePort()
    const binds = [`127.0.0.1:${port}`, `127.0.0.2:${port}`, `127.0.0.1:${await freePort()}`]
    for (const then of [
      'real.listen(process.env.PORT)',
      'setTimeout(() => real.listen(process.env.PORT), 500)',
    ]) {
      const server = launch({
        args: [...binds.flatMap(bind => ['-b', bind]), './app.mjs'],
        files: {
          'app.mjs': `${placeholder}
            const real = createServer((req, res) => res.end('real'))
            setTimeout(() => {}, 1_000)
            starting.close(() => ${then})`,
        },
      })
      await server.running()
      for (const bind of binds) await answers(`http://${bind}`, 'real')
      await server.stop()
    }
  })

  it('it is served with reuse_port when it replaces its server later, at a name', async () => {
    const port = await freePort()
    const server = launch({
      args: ['-b', `localhost:${port}`, '--reuse-port', './app.mjs'],
      files: {
        'app.mjs': `${placeholder}
          setInterval(() => {}, 1_000)
          const real = createServer((req, res) => res.end('real'))
          starting.close(() => setTimeout(() => real.listen(process.env.PORT), 200))`,
      },
    })
    await server.running()
    await answers(`http://127.0.0.1:${port}`, 'real')
  })

  it('it is not ready as long as it has closed its server', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '--wait-ready', './app.mjs'],
      files: {
        'app.mjs': `import { createServer } from 'node:http'
          createServer((req, res) => res.end('old')).listen(process.env.PORT)
          process.send('ready')`,
      },
      errors: true,
    })
    const url = await server.running()
    server.write(
      'app.mjs',
      `${placeholder}
      setTimeout(() => starting.close(() => process.send('ready')), 100)`,
    )
    await server.reload(/generation 1 keeps serving: The app closed its server on .* and opened no other/)
    expect(await fresh(url)).to.equal('old')
  })

  it('it gets another worker when it closes its server before the worker serves', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.mjs'],
      files: {
        'app.mjs': `${placeholder}
          setTimeout(() => starting.close(), 100)`,
        'tsicorn.config.mjs': `import { setTimeout as sleep } from 'node:timers/promises'
          export default { post_worker_init: () => sleep(1_000) }`,
      },
      errors: true,
    })
    await server.says(/Worker 1 .* exited with code 0: the app closed its server/)
  })

  it('it gets another worker when it replaces its server by one at a contradicting host', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.mjs'],
      files: {
        'app.mjs': `${placeholder}
          setTimeout(() => starting.close(() => createServer().listen(process.env.PORT, '127.0.0.2')), 500)`,
      },
      errors: true,
    })
    await server.running()
    await server.says(/\[ERROR\] The app listens on .*127.0.0.2/)
    await server.says(/Worker 1 .* exited with code 0: the app closed its server/)
  })

  it('it may replace its server while its worker leaves', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.mjs'],
      files: {
        'app.mjs': `import { createServer } from 'node:http'
          const starting = createServer((req, res) => {
            console.log('asked')
            setTimeout(() => {
              starting.close()
              createServer().listen(process.env.PORT, () => res.end('starting'))
            }, 1_000)
          }).listen(process.env.PORT)`,
      },
    })
    const answer = fresh(await server.running())
    await server.says(/asked/)
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null })
    expect(await answer).to.equal('starting')
    expect(server.log).not.to.contain('third time')
  })

  for (const [where, args] of [
    ['on a port', () => ['-b', '127.0.0.1:0']],
    ['on a unix socket', () => ['-b', 'unix:app.sock']],
    ['with reuse_port', async () => ['-b', `127.0.0.1:${await freePort()}`, '--reuse-port']],
  ] as const)
    it(`it may replace its server ${where} as often as it likes, and keeps no descriptor for each`, async () => {
      const server = launch({
        args: [...(await args()), './app.mjs'],
        files: {
          'app.mjs': `${placeholder}
            import { readdirSync } from 'node:fs'
            let last = starting
            let opened = 0
            const replace = async () => {
              await new Promise(resolve => last.close(resolve))
              opened += 1
              const name = 'server ' + opened
              last = createServer((req, res) => {
                res.setHeader('connection', 'close')
                res.end(name + ': ' + readdirSync('/proc/self/fd').length)
                if (name === 'server 4') res.once('close', () => replaceAll(100))
              }).listen(process.env.PORT ?? 'app.sock')
              for (let turns = 0; turns < 3; turns += 1) await turn()
            }
            const replaceAll = async number => {
              while (opened < number) await replace()
            }
            await replaceAll(4)`,
        },
      })
      await server.running()
      const url = server.url
      const ask = () => (url === undefined ? overUnixSocket(join(server.folder, 'app.sock')) : fresh(url))
      const [, before] = (await ask()).split(': ')
      let answer = ''
      while (!answer.startsWith('server 100')) answer = await ask().catch(() => '')
      // A connection that has just ended may still have its descriptor, and the worker opens some things later.
      expect(Number(answer.split(': ')[1])).to.be.below(Number(before) + 20)
      await server.stop()
    })

  it('it keeps none of the servers that it has replaced', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.mjs'],
      files: {
        'app.mjs': `${placeholder}
          import { setFlagsFromString } from 'node:v8'
          import { runInNewContext } from 'node:vm'
          setFlagsFromString('--expose-gc')
          const gc = runInNewContext('gc')
          const replaced = []
          const answer = async (req, res) => {
            res.setHeader('connection', 'close')
            for (let times = 0; times < 5; times += 1) {
              await turn()
              gc()
            }
            const kept = replaced.filter(one => one.deref() !== undefined).length
            res.end(replaced.length + ' replaced, ' + (kept < 5 ? 'few' : kept) + ' kept')
          }
          const close = server => new Promise(resolve => server.close(resolve))
          const replace = async last => {
            await close(last)
            replaced.push(new WeakRef(last))
            const next = createServer(answer).listen(process.env.PORT)
            for (let turns = 0; turns < 3; turns += 1) await turn()
            if (replaced.length < 30) setTimeout(replace, 5, next)
          }
          setTimeout(replace, 500, starting)`,
      },
    })
    const url = await server.running()
    let answer = ''
    while (!answer.startsWith('30 ')) answer = await fresh(url).catch(() => '')
    expect(answer).to.equal('30 replaced, few kept')
  })

  /** Its third server is closed at `/close`, and the file `open` lets it open another one. */
  const withGap = `${placeholder}
    import { existsSync } from 'node:fs'
    const next = (name, close) => createServer((req, res) => {
      res.end(name)
      if (req.url === '/close') close?.(res.socket.server)
    }).listen(process.env.PORT)
    const opens = () => {
      console.log('not open')
      if (existsSync('open')) next('fourth')
      else setTimeout(opens, 10)
    }
    const closes = server => server.close(opens)
    const third = () => next('third', closes)
    starting.close(() => {
      const second = next('second')
      setTimeout(() => second.close(third), 50)
    })`

  /** Asks while the app has no server; the request is accepted when this resolves. */
  async function askInGap(server: ReturnType<typeof launch>): Promise<{ readonly answer: Promise<string> }> {
    const url = await server.running()
    while ((await fresh(url).catch(() => '')) !== 'third');
    await fresh(`${url}/close`)
    await server.says(/not open/)
    const answer = fresh(url)
    const looks = () => server.log.match(/not open/g)?.length ?? 0
    const before = looks()
    await eventually('it looked again', () => looks() > before + 5)
    return { answer }
  }

  it('it answers with its next server what comes before that is open', async () => {
    const server = launch({ args: ['-b', '127.0.0.1:0', './app.mjs'], files: { 'app.mjs': withGap } })
    const { answer } = await askInGap(server)
    server.write('open', '')
    expect(await answer).to.equal('fourth')
    expect(await fresh(server.url)).to.equal('fourth')
  })

  it('it answers what came before its next server was open when its worker leaves', async () => {
    const server = launch({ args: ['-b', '127.0.0.1:0', './app.mjs'], files: { 'app.mjs': withGap } })
    const { answer } = await askInGap(server)
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null })
    expect(await answer).to.equal('third')
  })

  it('it is told as by Node that a server listens already', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.mjs'],
      files: {
        'app.mjs': `import { createServer } from 'node:http'
          const codes = []
          const again = server => {
            try {
              server.listen(process.env.PORT)
            } catch (error) {
              codes.push(error.code)
            }
          }
          const server = createServer((req, res) => {
            again(server)
            res.end(String(codes))
          })
          server.on('listening', () => again(server))
          server.listen(process.env.PORT)
          again(server)`,
      },
    })
    const code = 'ERR_SERVER_ALREADY_LISTEN'
    expect(await fresh(await server.running())).to.equal(`${code},${code},${code}`)
  })

  it('it is served on when it closes a server on a further address', async () => {
    const port = await freePort()
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.mjs'],
      files: {
        'app.mjs': `import { createServer } from 'node:http'
          createServer((req, res) => {
            const answer = () => res.end('app ' + process.pid)
            if (req.url === '/close') further.close(answer)
            else answer()
          }).listen(process.env.PORT)
          const further = createServer().listen(${port}, '127.0.0.1')`,
      },
    })
    const url = await server.running()
    const answer = await fresh(`${url}/close`)
    expect(await fresh(url)).to.equal(answer)
    expect(server.log).not.to.contain('the app closed its server')
  })
})

describe('an app that looks for a free port', () => {
  const probes: Readonly<Record<string, string>> = {
    'as get-port does': `
      const probe = net.createServer().unref()
      await new Promise((resolve, reject) => {
        probe.on('error', reject)
        probe.listen({ port }, () => { const { port: found } = probe.address(); probe.close(() => resolve(found)) })
      })`,
    'as detect-port does': `
      for (const host of [undefined, '0.0.0.0', '127.0.0.1', 'localhost']) {
        const probe = new net.Server()
        await new Promise((resolve, reject) => {
          probe.once('error', reject)
          probe.listen(port, host, () => { probe.address().port; probe.close(); resolve() })
        })
      }`,
    'with a server of HTTP': `
      await new Promise((resolve, reject) => {
        const probe = createServer().once('error', reject).once('close', resolve)
        probe.listen(port, () => probe.close())
      })`,
    'by a connection, as is-port-reachable does': `
      await new Promise((resolve, reject) => {
        const socket = new net.Socket()
        socket.once('error', resolve)
        socket.connect(port, '127.0.0.1', () => reject(new Error('reachable')))
      })`,
  }
  it('finds it free in all workers when nobody says where, however long it looks', async () => {
    const port = await freePort()
    const server = launch({
      args: ['-w', '2', './app.mjs'],
      files: {
        'app.mjs': `import net from 'node:net'
          import { createServer } from 'node:http'
          const probe = net.createServer()
          const port = await new Promise(resolve => {
            probe.once('error', () => resolve(0))
            probe.listen(${port}, '127.0.0.1', () => setTimeout(() => probe.close(() => resolve(${port})), 500))
          })
          createServer((req, res) => res.end('ok')).listen(port, '127.0.0.1')`,
      },
    })
    await server.running()
    expect(server.log).to.contain(`Listening at: http://127.0.0.1:${port}\n`)
    expect(await fresh(`http://127.0.0.1:${port}`)).to.equal('ok')
    expect(server.log).not.to.contain('told to leave at once')
  })

  for (const [how, probe] of Object.entries(probes)) {
    it(`${how} finds its own free, in all workers and at each reload`, async () => {
      const port = await freePort()
      const server = launch({
        args: ['-b', `127.0.0.1:${port}`, '-w', '2', './app.mjs'],
        files: {
          'app.mjs': `import net from 'node:net'
            import { createServer } from 'node:http'
            const port = ${port}
            ${probe}
            let heard = 0
            createServer((req, res) => res.end('ok ' + heard)).on('listening', () => { heard += 1 }).listen(port)`,
        },
      })
      const url = await server.running()
      expect(await fresh(url)).to.equal('ok 1')
      await server.reload()
      expect(await fresh(url)).to.equal('ok 1')
    })
  }
})
