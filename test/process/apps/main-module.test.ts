/** An app is the main module, with its own arguments, and fails as it would under `node`. */
import { expect } from 'chai'
import { fresh } from '../../support/requests.ts'
import { childrenOf, eventually, freePort, launch, type Tsicorn } from '../../support/tsicorn.ts'

/** What each idiom says of the app, as a response. */
const apps: Readonly<Record<string, string>> = {
  'app.mjs': `
    import { fileURLToPath } from 'node:url'
    const own = fileURLToPath(import.meta.url)
    export default (req, res) => res.end(JSON.stringify([process.argv[1] === own, import.meta.main !== false]))`,
  'app.ts': `
    import { fileURLToPath } from 'node:url'
    const own: string = fileURLToPath(import.meta.url)
    export default (_: unknown, res: { end(text: string): void }) =>
      res.end(JSON.stringify([process.argv[1] === own, import.meta.main !== false]))`,
  'app.cjs': `
    module.exports = (req, res) =>
      res.end(JSON.stringify([process.argv[1] === __filename, require.main === module && process.mainModule === module]))`,
  'app.cts': `
    const seen: string[] = [__filename]
    module.exports = (_: unknown, res: { end(text: string): void }) =>
      res.end(JSON.stringify([process.argv[1] === seen[0], require.main === module]))`,
  'lib/index.cjs': `
    module.exports = (req, res) => res.end(JSON.stringify([process.argv[1] === __filename, require.main === module]))`,
}

function serve(app: string, text: string, ...rest: readonly string[]): Tsicorn {
  return launch({ args: ['-b', '127.0.0.1:0', app, ...rest], files: { [app.replace('./', '')]: text } })
}

describe('an app', () => {
  for (const [file, text] of Object.entries(apps)) {
    it(`is the main module, as with node ${file}`, async () => {
      const server = serve(`./${file}`, text)
      expect(await fresh(await server.running())).to.equal('[true,true]')
    })
  }

  it('is the main module behind a symbolic link, and by its folder', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', './lib'],
      files: { 'lib/index.cjs': apps['lib/index.cjs'] as string },
    })
    // An index that is found is named in full: Node itself knows only those that end in js.
    expect(await fresh(await server.running())).to.equal('[true,true]')
  })

  it('is the main module of the folder that names it in its package.json', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '.'],
      files: {
        'package.json': JSON.stringify({ main: 'lib/start', type: 'commonjs' }),
        'lib/start.js': apps['lib/index.cjs'] as string,
        'index.js': 'throw new Error("It has another main")',
      },
    })
    expect(await fresh(await server.running())).to.equal('[true,true]')
  })

  it('may await the end of its server for ever', async () => {
    const port = await freePort()
    const server = launch({
      args: ['-w', '2', './app.mjs'],
      files: {
        'app.mjs': `
          import { createServer } from 'node:http'
          import { on } from 'node:events'
          const server = createServer().listen(${port})
          for await (const [, res] of on(server, 'request')) res.end('ok')`,
      },
    })
    await server.running()
    expect(await fresh(`http://127.0.0.1:${port}`)).to.equal('ok')
    await server.reload()
    expect(await fresh(`http://127.0.0.1:${port}`)).to.equal('ok')
  })

  it('that awaits its server and fails later ends its worker as it would end node', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.mjs'],
      files: {
        'app.mjs': `
          import { createServer } from 'node:http'
          import { once } from 'node:events'
          const server = createServer((req, res) => { res.end('ok'); server.emit('failed') }).listen(process.env.PORT)
          await once(server, 'failed')
          throw new Error('awaited in vain')`,
      },
      errors: true,
    })
    await fresh(await server.running())
    await server.says(/Worker 1 .* exited with code 1: uncaught Error: awaited in vain/)
  })

  it('finds the arguments behind -- in process.argv, and no options of ours', async () => {
    const text = `export default (req, res) => res.end(JSON.stringify([process.argv.slice(2), process.execArgv.filter(a => /import/.test(a))]))`
    const server = serve('./app.mjs', text, '--', 'build', '--port', '3', '--')
    expect(await fresh(await server.running())).to.equal('[["build","--port","3","--"],[]]')
  })

  it('finds those of the setting app_args', async () => {
    const server = launch({
      files: {
        'app.mjs': 'export default (req, res) => res.end(process.argv.slice(2).join())',
        'tsicorn.config.mjs': `export default { bind: '127.0.0.1:0', app: './app.mjs', app_args: ['a', '-b'] }`,
      },
    })
    expect(await fresh(await server.running())).to.equal('a,-b')
  })

  it('starts processes and threads that are no workers', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.cjs'],
      files: {
        'other.cjs': `
          const { isMainThread, parentPort } = require('node:worker_threads')
          const text = isMainThread + ' ' + process.execArgv.length
          if (isMainThread) process.send(text); else parentPort.postMessage(text)`,
        'app.cjs': `
          const { fork } = require('node:child_process')
          const { Worker } = require('node:worker_threads')
          module.exports = (req, res) => {
            const other = __dirname + '/other.cjs'
            const one = req.url === '/thread' ? new Worker(other) : fork(other)
            one.once('message', text => res.end(text))
          }`,
      },
    })
    const url = await server.running()
    expect(await fresh(`${url}/fork`)).to.match(/^true \d+$/)
    expect(await fresh(`${url}/thread`)).to.match(/^false \d+$/)
  })

  it('that throws while it is loaded says so once, with its stack', async () => {
    for (const [app, text] of [
      ['./app.mjs', `throw new Error('no database')`],
      ['./app.cjs', `throw new Error('no database')`],
      ['./app.ts', `const text: string = 'no database'; throw new Error(text)`],
    ] as const) {
      const server = launch({ args: ['-b', '127.0.0.1:0', app], files: { [app]: text }, errors: true })
      expect(await server.ended).to.deep.equal({ code: 3, signal: null })
      expect(server.log.match(/Error: no database/g), app).to.have.length(1)
      expect(server.log).to.match(/Cannot start: The app .* failed: Error: no database\n +at .*app/)
    }
  })

  it('that throws while it is loaded, and survives that as it would with node, is served', async () => {
    const survivor = (first: string) => `import { createServer } from 'node:http'
      process.on('uncaughtException', error => console.log('survived ' + error.message))
      ${first}
      throw new Error('late')`
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.mjs'],
      files: {
        'app.mjs': survivor(`createServer((req, res) => res.end('ok')).listen(process.env.PORT)`),
        'never.mjs': survivor(''),
      },
    })
    expect(await fresh(await server.running())).to.equal('ok')
    expect(server.log).to.match(/survived late/)
    const failing = launch({
      args: ['-b', '127.0.0.1:0', './never.mjs'],
      folder: server.folder,
      errors: true,
    })
    expect((await failing.ended).code).to.equal(3)
    expect(failing.log).to.match(/CRITICAL.*Error: late/)
  })

  it('that is no code says where', async () => {
    for (const [app, text] of [
      ['./app.mjs', `export default (`],
      ['./app.cjs', `module.exports = (`],
      ['./app.ts', `export default (`],
    ] as const) {
      const server = launch({ args: ['-b', '127.0.0.1:0', app], files: { [app]: text }, errors: true })
      expect(await server.ended).to.deep.equal({ code: 3, signal: null })
      expect(server.log).to.match(
        /Cannot start: The app .* failed: Cannot load it: syntax error at app\.(m?j|cj|t)s:/,
      )
    }
  })

  it('whose timer throws while it is loaded ends its worker as it would end node', async () => {
    const text = `setTimeout(() => { throw new Error('late') }); await new Promise(() => setInterval(() => {}, 1e6))`
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.mjs'],
      files: { 'app.mjs': text },
      errors: true,
    })
    expect(await server.ended).to.deep.equal({ code: 3, signal: null })
    expect(server.log).to.match(/exited with code 1: uncaught Error: late/)
  })
})

describe('TypeScript', () => {
  const enumApp = (ending: string) => `enum Words { Hello = 'hello' }
    export default (_: unknown, res: { end(text: string): void }) => res.end(Words.Hello)${ending}`

  it('that Node can strip needs no tsx, and no process beside the worker', async () => {
    const server = serve('./app.ts', apps['app.ts'] as string)
    await server.running()
    expect(server.log).to.not.contain('tsx')
    expect(server.workers.flatMap(childrenOf)).to.deep.equal([])
  })

  it('that it cannot is loaded with tsx, also by the workers that follow, and no process stays', async () => {
    const server = serve('./app.ts', enumApp(''), '-w', '2')
    const url = await server.running()
    expect(await fresh(url)).to.equal('hello')
    server.write('app.ts', enumApp('// 2'))
    await server.reload()
    expect(await fresh(url)).to.equal('hello')
    expect(server.log.match(/loaded with tsx from now on/g)).to.have.length(1)
    expect(server.log).to.match(/tsx from now on: TypeScript enum is not supported/)
    // There, tsx works in a thread of its own, and nobody can tell it to rest.
    if (process.versions.node.startsWith('22.18')) return
    await eventually('nothing runs beside', () => server.workers.flatMap(childrenOf).length === 0)
  })

  it('that neither can load is refused once', async () => {
    const text = `enum A { B }\nthrow new Error('no database')`
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.ts'],
      files: { 'app.ts': text },
      errors: true,
    })
    expect(await server.ended).to.deep.equal({ code: 3, signal: null })
    expect(server.log).to.match(/Cannot start: The app .* failed: Error: no database/)
  })

  it('that it cannot is well for --check-config', async () => {
    const server = launch({ args: ['--check-config', './app.ts'], files: { 'app.ts': enumApp('') } })
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
  })
})
