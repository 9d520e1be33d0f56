/** Apps of all shapes are loaded and served, and those that cannot be are refused with a clear error. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { AppWorker, apps, type LoadRequest } from './app-worker.ts'

const served: readonly (readonly [spec: string, shape: string, answer: string])[] = [
  ['hello.ts', 'request listener', 'hello'],
  ['hello.mjs', 'request listener', 'hello'],
  ['hello.cjs', 'request listener', 'hello'],
  ['./hello', 'request listener', 'hello'],
  ['hello.ts:default', 'request listener', 'hello'],
  ['shapes/express.ts', 'Express application', 'express'],
  ['shapes/koa.ts', 'Koa application', 'koa'],
  ['shapes/koa.ts:app', 'Koa application', 'koa'],
  ['shapes/fastify.ts', 'Fastify application', 'fastify'],
  ['shapes/fastify-factory.ts', 'Fastify application', 'fastify factory'],
  ['shapes/nest-like.ts', 'NestJS application', 'nest is ready'],
  ['shapes/hono.ts', 'fetch handler', 'hono'],
  ['shapes/fetch-object.ts', 'fetch handler', 'fetch object'],
  ['shapes/fetch-function.ts', 'fetch handler', 'fetch function /'],
  ['shapes/fetch-without-parameter.ts', 'fetch handler', 'fetch without parameter'],
  ['shapes/module-fetch.ts', 'fetch handler', 'module fetch'],
  ['shapes/yoga-like.ts', 'fetch handler', 'yoga'],
  ['shapes/http-server.ts', 'http.Server', 'http.Server'],
  ['shapes/handler.ts', 'request listener', 'handler'],
  ['shapes/transpiled.cjs', 'request listener', 'transpiled'],
  ['shapes/named.cjs:api', 'request listener', 'named'],
  ['shapes/typescript.ts', 'request listener', 'typescript RED answer'],
  ['shapes/imports-typescript.mjs', 'request listener', 'typescript RED answer'],
  ['shapes/commonjs.cts', 'request listener', 'commonjs OK'],
  ['shapes/async-factory.ts', 'request listener', 'async factory'],
  ['shapes/async-factory.ts:default()', 'request listener', 'async factory'],
  ["shapes/factory-with-arguments.ts:create_app('ho', count=3)", 'request listener', 'hohoho'],
  ['shapes/factory-with-arguments.ts:create_app("hi", { count: 2 })', 'request listener', 'hihi'],
  ['shapes/express-listens.cjs', 'server that the app told to listen', 'express listens'],
  ['shapes/fastify-listens.ts', 'server that the app told to listen', 'fastify listens'],
  ['shapes/hono-listens.ts', 'server that the app told to listen', 'hono listens'],
  ['listens.ts', 'server that the app told to listen', 'listens'],
  ['listens-late.ts', 'server that the app told to listen', 'listens late'],
  ['listens-and-exports.ts', 'server that the app told to listen', 'the server that listens'],
]

const refused: readonly (readonly [spec: string, error: string, message: RegExp])[] = [
  [
    'no-such-file.ts',
    'AppMissing',
    /^Cannot load the app "no-such-file.ts": there is no such file in .*test\/apps and no package/,
  ],
  ['./hello.js', 'AppMissing', /no such file in .*: did you mean \.\/hello\.(ts|mjs|cjs)\?$/],
  ['hello.ts:nothing', 'AppError', /hello.ts has no export nothing, it exports default$/],
  [
    'wrong-shape.ts',
    'AppError',
    /it exports default, version \(default is a plain object\) and does not listen on http:.*: export a function \(req, res\)/,
  ],
  ['wrong-shape.ts:version', 'AppError', /version is a string, and an app is a function \(req, res\)/],
  [
    'wrong-shape.ts:version()',
    'AppError',
    /version is a string and cannot be called, leave out the parentheses$/,
  ],
  ['shapes/class.ts', 'AppError', /default is the class App, not an instance of it/],
  ['shapes/factory-of-nothing.ts:create()', 'AppError', /exports create .*does not listen/],
  ['shapes/factory-of-number.ts', 'AppError', /create\(\) returned a number, and an app is/],
  ['waits-for-nothing.ts', 'AppError', /never finished loading: it awaits what nothing will settle$/],
  ['clusters.ts', 'AppError', /^The app starts its own workers with node:cluster: tsicorn does that/],
  ['throws-on-load.ts', 'Error', /^thrown on load$/],
]

describe('loading an app', () => {
  const workers: AppWorker[] = []

  function start(request: LoadRequest): AppWorker {
    const worker = new AppWorker(request)
    workers.push(worker)
    return worker
  }

  afterEach(async () => {
    await Promise.all(workers.splice(0).map(worker => worker.stop()))
  })

  for (const [spec, shape, answer] of served) {
    it(`serves ${spec} as a ${shape}`, async () => {
      const worker = start({ spec })
      expect((await worker.loaded()).shape).to.equal(shape)
      expect(await worker.get()).to.equal(answer)
    })
  }

  for (const [spec, error, message] of refused) {
    it(`refuses ${spec} with a clear ${error}`, async () => {
      const failed = await start({ spec }).failed()
      expect(failed.message).to.match(message)
      expect(failed.name).to.equal(error)
    })
  }

  it('serves a package that the working folder can import, by its name', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'tsicorn-app-'))
    const folder = join(cwd, 'node_modules/some-app')
    mkdirSync(folder, { recursive: true })
    writeFileSync(
      join(folder, 'package.json'),
      '{ "exports": { "import": "./app.mjs", "require": "./none.cjs" } }',
    )
    writeFileSync(join(folder, 'app.mjs'), 'export const create = () => (req, res) => res.end("package")')
    const worker = start({ spec: 'some-app:create()', cwd })
    await worker.loaded()
    expect(await worker.get()).to.equal('package')
    rmSync(cwd, { recursive: true })
  })

  it('maps the stack of an error to the TypeScript source', async () => {
    const failed = await start({ spec: 'throws-on-load.ts' }).failed()
    const source = readFileSync(join(apps, 'throws-on-load.ts'), 'utf8')
    const line = source.slice(0, source.indexOf('throw ')).split('\n').length
    expect(failed.stack).to.contain(`throws-on-load.ts:${line}:`)
  })

  it('names an app that calls process.exit while it is loaded and ends with code 3', async () => {
    const worker = start({ spec: 'exits-on-load.ts' })
    expect((await worker.exited)[0]).to.equal(3)
    expect(worker.log).to.deep.equal([
      'error: The app "exits-on-load.ts" called process.exit(0) while it was loaded',
    ])
  })

  it('waits for the ready message where wait_ready asks for it', async () => {
    const worker = start({ spec: 'says-ready.ts', waitReady: true })
    await worker.loaded()
    expect(await worker.get()).to.equal('ready')
  })

  it('does not wait for a ready message that nothing can send any more', async () => {
    const failed = await start({ spec: 'hello.ts', waitReady: true }).failed()
    expect(failed.message).to.match(/^The app "hello.ts" has not said that it is ready/)
  })

  it('closes a Fastify application', async () => {
    const worker = start({ spec: 'shapes/fastify.ts' })
    await worker.loaded()
    expect(await worker.closeApp()).to.contain('fastify is closed')
  })
})
