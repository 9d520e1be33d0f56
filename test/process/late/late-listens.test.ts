/** Apps that open a port only after they are loaded are served there, beside or instead of what they export. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect } from 'chai'
import { fresh, listening } from '../../support/requests.ts'
import { eventually, freePort, launch, type Tsicorn } from '../../support/tsicorn.ts'

/** Servers of an app with two workers; `soon` calls back when the app is loaded. */
function start(text: string, ...args: readonly string[]): Tsicorn {
  return launch({
    args: ['-w', '2', ...args, './app.cjs'],
    errors: text.includes('error.code') || !args.includes('-b'),
    files: {
      'app.cjs': `
        const { createServer } = require('node:http')
        const serve = name => createServer((req, res) => res.end(name + ' ' + process.pid))
        const soon = call => setTimeout(call, 300)
        ${text}`,
    },
  })
}

/** Until the app listens, nobody does. */
async function ask(port: number): Promise<string> {
  while (true) {
    const answer = await fresh(`http://127.0.0.1:${port}`).catch(() => undefined)
    if (answer !== undefined) return answer
  }
}

async function seenAt(port: number): Promise<Set<string>> {
  const seen = new Set<string>()
  while (seen.size < 2) seen.add(await ask(port))
  return new Set([...seen].map(answer => answer.replace(/ \d+$/, '')))
}

describe('an app that listens when it is loaded', () => {
  it('is served there by all workers, after reloads too, although it exports what it serves', async function () {
    // The address by default is where it begins.
    const rival = createServer().listen(8000, '127.0.0.1')
    const isFree = await once(rival, 'listening').then(
      () => true,
      () => false,
    )
    if (!isFree) this.skip()
    await new Promise(resolve => rival.close(resolve))
    const port = await freePort()
    const server = start(`
      const app = (req, res) => res.end('app ' + process.pid)
      module.exports = app
      soon(() => createServer(app).listen(${port}))`)
    await server.says(/Reload 1: reading/)
    expect(server.log).to.contain(
      `The app listens on port ${port}, and tsicorn does not: it is bound for the app`,
    )
    await server.says(/Reload 1: generation \d+ serves/)
    expect(server.log).to.contain(`Listening at: http://[::]:${port}`)
    expect(await seenAt(port)).to.deep.equal(new Set(['app']))
    await server.reload()
    expect(await seenAt(port)).to.deep.equal(new Set(['app']))
  })

  for (const [how, args] of [
    ['nobody', (_: number) => []],
    ['its operator', (port: number) => ['-b', `127.0.0.1:${port}`]],
  ] as const) {
    it(`is served by its own server, and not by what it exports, where ${how} says where`, async () => {
      const port = await freePort()
      const server = start(
        `const app = (req, res) => res.end('secret')
        module.exports = { app }
        const guarded = createServer((req, res) => {
          if (req.headers.authorization) return app(req, res)
          res.statusCode = 401
          res.end('who is it?')
        })
        soon(() => guarded.listen(${port}))`,
        ...args(port),
      )
      await server.says(/Reload 1: generation \d+ serves/)
      for (let count = 0; count < 8; count += 1) expect(await ask(port)).to.equal('who is it?')
      await server.reload()
      for (let count = 0; count < 8; count += 1) expect(await ask(port)).to.equal('who is it?')
    })
  }

  it('runs once what it exports and calls itself, but for the worker that finds out', async () => {
    const port = await freePort()
    const server = launch({
      args: ['-w', '2', './app.mjs'],
      files: {
        'app.mjs': `import { createServer } from 'node:http'
          let runs = 0
          export default async function main() {
            runs += 1
            await new Promise(resolve => setTimeout(resolve, 200))
            createServer((req, res) => res.end(String(runs))).on('error', () => {}).listen(${port}, '127.0.0.1')
          }
          main()`,
      },
    })
    await server.running()
    for (let count = 0; count < 8; count += 1) expect(await ask(port)).to.equal('1')
    await server.reload()
    expect(await ask(port)).to.equal('1')
  })

  it('may export what looks like a factory, and is not called', async () => {
    const port = await freePort()
    const server = launch({
      args: ['./app.mjs'],
      files: {
        'app.mjs': `import { createServer } from 'node:http'
          export async function create(user) { if (!user) throw new Error('no user') }
          createServer((req, res) => res.end('ok')).listen(${port}, '127.0.0.1')`,
      },
    })
    await server.running()
    expect(await ask(port)).to.equal('ok')
  })

  it('does no harm where it exports the server itself, and its operator has said where', async () => {
    const [port, other] = [await freePort(), await freePort()]
    const server = start(
      `exports.server = serve('app'); soon(() => exports.server.listen(${other}, () => console.log('<up>')))`,
      ...['-b', `127.0.0.1:${port}`],
    )
    for (const _ of Array(2)) await server.says(/<up>/)
    // What a worker prints and what it logs take different ways.
    await eventually('it is logged', () =>
      server.log.includes(`The app's listen on port ${other} is left out`),
    )
    expect(await seenAt(port)).to.deep.equal(new Set(['app']))
  })

  it('besides, has that served by all workers', async () => {
    const [port, metrics] = [await freePort(), await freePort()]
    const server = start(
      `serve('app').listen(${port})
      soon(() => serve('metrics').listen(${metrics}, '127.0.0.1'))`,
      ...['-b', `127.0.0.1:${port}`],
    )
    await server.says(/Reload 1: generation \d+ serves/)
    expect(await seenAt(metrics)).to.deep.equal(new Set(['metrics']))
    expect(await seenAt(port)).to.deep.equal(new Set(['app']))
    await server.reload()
    expect(await seenAt(metrics)).to.deep.equal(new Set(['metrics']))
  })

  it('besides what it exports, in one worker only, is served by that one', async () => {
    const [port, metrics] = [await freePort(), await freePort()]
    const server = start(
      `module.exports = (req, res) => res.end('app ' + process.pid)
      if (process.env.NODE_APP_INSTANCE === '0') soon(() => serve('metrics').listen(${metrics}))`,
      ...['-b', `127.0.0.1:${port}`],
    )
    await server.says(/Reload 1: generation \d+ serves/)
    const [one, other] = [await ask(metrics), await ask(metrics)]
    expect(one).to.match(/^metrics /)
    expect(other).to.equal(one)
    expect(await seenAt(port)).to.deep.equal(new Set(['app']))
  })

  it('where somebody else does hears of that', async () => {
    const port = await freePort()
    const rival = launch({
      args: ['-b', `0.0.0.0:${port}`, './app.cjs'],
      files: { 'app.cjs': `module.exports = (req, res) => res.end('rival')` },
    })
    await rival.running()
    const server = start(
      `module.exports = (req, res) => res.end('app')
      soon(() => serve('metrics').listen(${port}, '0.0.0.0').on('error', error => console.log('<' + error.code + '>')))`,
      ...['-b', '127.0.0.1:0'],
    )
    await server.says(/Reload 1: generation \d+ serves/)
    await server.says(/<EADDRINUSE>/)
    expect(await fresh(`http://127.0.0.1:${port}`)).to.equal('rival')
  })
})

describe('a server that an app starts while it is loaded', () => {
  const early = (rest: string) => `
    import { once } from 'node:events'
    import { createServer } from 'node:http'
    const server = createServer((req, res) => {
      if (req.url === '/end') process.exit(1)
      process.stdout.write('asked')
      setTimeout(() => res.end('app'), 200)
    })
    await once(server.listen(Number(process.env.PORT)), 'listening')
    ${rest}`

  it('has each request counted once, whoever has copied its listeners', async () => {
    // As engine.io does.
    const app = early(`while (!server._handle) await new Promise(setImmediate)
      const listeners = server.listeners('request')
      server.removeAllListeners('request')
      server.on('request', (...args) => { for (const listener of listeners) listener.apply(server, args) })`)
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.mjs'],
      files: { 'app.mjs': app },
      errors: true,
    })
    const url = await server.running()
    for (let n = 0; n < 3; n += 1) expect(await fresh(url)).to.equal('app')
    await fetch(`${url}/end`).catch(() => undefined)
    await server.says(/Worker 1 .* exited with code 1 .* 3 requests served/)
  })

  it('hears of its end where its worker is told to leave before it is ready', async () => {
    const app = early(`server.on('close', () => process.stdout.write('closed'))
      await new Promise(resolve => setTimeout(resolve, 60_000))`)
    const server = launch({ args: ['-b', '127.0.0.1:0', './app.mjs'], files: { 'app.mjs': app } })
    await server.says(/was redirected/)
    await listening(server.url)
    const answer = fresh(server.url)
    await server.says(/asked/)
    server.signal('SIGTERM')
    expect(await answer).to.equal('app')
    await server.says(/closed/)
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
  })
})
