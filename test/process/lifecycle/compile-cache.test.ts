/** Compiled code is still there after a server has ended, unless Node is told not to keep any. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { afterServers, launch, type Tsicorn } from '../../support/tsicorn.ts'

describe('compiled code', () => {
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tsicorn-compiled-'))
    afterServers(() => rmSync(folder, { recursive: true, force: true }))
  })

  const app = `export default (req, res) => res.end(JSON.stringify(process.env.TSICORN_COMPILE_CACHE ?? null))`

  function start(env: Readonly<Record<string, string | undefined>>): Tsicorn {
    const args = ['-b', '127.0.0.1:0', './app.mjs']
    const variables = { NODE_COMPILE_CACHE: undefined, CACHE_DIRECTORY: folder, ...env }
    return launch({ args, env: variables, files: { 'app.mjs': app } })
  }

  it('of tsicorn and of the app is kept for the next start, and the app hears nothing of it', async () => {
    const server = start({})
    const url = await server.running()
    expect(await (await fetch(url, { headers: { connection: 'close' } })).json()).to.equal(null)
    server.signal('SIGTERM')
    expect((await server.ended).code).to.equal(0)
    const [version] = readdirSync(join(folder, 'compiled'))
    expect(
      readdirSync(join(folder, 'compiled', version as string)).length,
      'those of an arbiter, a worker and an app',
    ).to.be.at.least(3)
  })

  it('is not kept if Node is told not to', async () => {
    const server = start({ NODE_DISABLE_COMPILE_CACHE: '1' })
    await server.running()
    server.signal('SIGTERM')
    expect((await server.ended).code).to.equal(0)
    expect(readdirSync(folder).flatMap(name => readdirSync(join(folder, name)))).to.deep.equal([])
  })
})
