/** An app that calls `listen` gets the inherited socket, or an error with the cure where it wants another one. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { AppWorker, type LoadRequest } from './app-worker.ts'

describe('an app that listens by itself', () => {
  const workers: AppWorker[] = []

  function start(request: LoadRequest): AppWorker {
    const worker = new AppWorker(request)
    workers.push(worker)
    return worker
  }

  afterEach(async () => {
    await Promise.all(workers.splice(0).map(worker => worker.stop()))
  })

  it('is redirected to the inherited socket, which the log says', async () => {
    const worker = start({ spec: 'listens.ts' })
    const loaded = await worker.loaded()
    expect(loaded).to.deep.include({ listening: [3], intercepted: 1 })
    expect(worker.log).to.include(
      `info: The app's listen on port ${worker.port} was redirected to http://127.0.0.1:${worker.port}`,
    )
  })

  it('still learns the real port from server.address()', async () => {
    const worker = start({ spec: 'listens.ts' })
    const { address } = await worker.loaded()
    expect(address).to.deep.equal({ address: '127.0.0.1', family: 'IPv4', port: worker.port })
  })

  it('is redirected to an inherited unix socket and learns its path', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tsicorn-app-'))
    const path = join(folder, 'app.sock')
    const worker = start({ spec: 'listens.ts', path })
    expect((await worker.loaded()).address).to.equal(path)
    const [response] = await once(request({ socketPath: path, path: '/' }).end(), 'response')
    expect(await text(response)).to.equal('listens')
    rmSync(folder, { recursive: true })
  })

  it('is refused with the cure when it asks for another port', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    taken.close()
    const worker = start({ spec: 'listens-elsewhere.ts', env: { OWN_PORT: String(port) } })
    const { message, name } = await worker.failed()
    expect(name).to.equal('AppError')
    expect(message).to.equal(
      `The app "listens-elsewhere.ts" cannot be used: it listens on port ${port} of 127.0.0.1, and tsicorn is bound to ` +
        `http://127.0.0.1:${worker.port}: start tsicorn with -b 127.0.0.1:${port}, or let the app listen on process.env.PORT, which is ${worker.port}`,
    )
  })

  it('keeps a PORT that is configured', async () => {
    const { message } = await start({ spec: 'listens.ts', env: { PORT: '0' } }).failed()
    expect(message).to.contain('let the app listen on process.env.PORT, which is 0')
  })

  it('is served from its export when it listens later, and its listen does no harm', async () => {
    const worker = start({ spec: 'exports-then-listens.ts' })
    expect(await worker.loaded()).to.include({ shape: 'request listener' })
    while (!worker.log.some(line => line.includes('is left out'))) await worker.get()
    expect(await worker.get()).to.equal('and its own listen succeeded')
  })

  it('is announced to the worker before its first connection', async () => {
    expect(await start({ spec: 'listens.ts' }).loaded()).to.include({ early: true })
  })

  it('fails as a bind does when somebody else listens on the port', async () => {
    const worker = start({ spec: 'listens.ts', taken: true })
    const { name, message } = await worker.failed()
    expect(name).to.equal('BindFailed')
    expect(message).to.match(/^Cannot listen on http:\/\/127\.0\.0\.1:\d+: listen EADDRINUSE/)
  })

  it('opens only one socket when its framework listens on several addresses of localhost', async () => {
    const worker = start({ spec: 'shapes/fastify-listens.ts' })
    expect(await worker.loaded()).to.include({ intercepted: 1 })
  })

  it('does not listen while it is only checked, and passes', async () => {
    const worker = start({ spec: 'listens.ts', check: true })
    expect(await worker.loaded()).to.include({ shape: 'server that the app told to listen' })
    expect(await worker.get().catch((error: Error) => error)).to.be.an.instanceOf(Error)
  })
})
