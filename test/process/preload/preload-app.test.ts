/** `preload_app`: the app is loaded once, in a process that serves nothing, before any worker is asked. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { fresh } from '../../support/requests.ts'
import { eventually, isAlive, launch, type Tsicorn } from '../../support/tsicorn.ts'

/** Notes each process that loads it. */
const app = (more = '') => `import { appendFileSync } from 'node:fs'
appendFileSync('loaded', process.pid + '\\n')
${more}
export default (req, res) => res.end('served by ' + process.pid)\n`

const serve = (text: string, ...args: string[]) =>
  launch({
    args: ['--preload', '-b', '127.0.0.1:0', ...args, './app.mjs'],
    files: { 'app.mjs': text },
    errors: true,
  })

function loaders({ folder }: Tsicorn): readonly number[] {
  const file = join(folder, 'loaded')
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : []
}

describe('preload_app', () => {
  it('loads the app once more than there are workers, before them, at the start and at each reload', async () => {
    const server = serve(app(), '-w', '2')
    const url = await server.running()
    const workers = () =>
      Array.from(server.log.matchAll(/Booting worker \d+ \(pid (\d+)\)/g), ([, pid]) => Number(pid))
    const [first, ...others] = loaders(server)
    expect(workers()).to.have.members(others).and.to.have.length(2)
    expect(isAlive(first as number)).to.equal(false)
    expect(await fresh(url)).to.match(/^served by/)
    await server.reload()
    const again = loaders(server).slice(3)
    expect(workers()).not.to.include(again[0])
    expect(workers().slice(2)).to.have.members(again.slice(1))
  })

  it('ends the start with the reason and code 4 where the app does not load, without any worker', async () => {
    const server = serve(app(`throw new Error('no database')`))
    await server.says(/Cannot start: .*app\.mjs.*no database/)
    expect(await server.ended).to.deep.equal({ code: 4, signal: null })
    expect(server.log).not.to.match(/Booting worker/)
    expect(loaders(server)).to.have.length(1)
  })

  it('fails a reload before any worker is asked', async () => {
    const server = serve(app())
    const url = await server.running()
    const before = await fresh(url)
    server.write('app.mjs', app(`throw new Error('no database')`))
    server.signal('SIGHUP')
    await server.says(/Reload 1 failed: generation 1 keeps serving: .*no database/)
    expect(await fresh(url)).to.equal(before)
    expect(server.log.match(/Booting worker/g)).to.have.length(1)
    server.write('app.mjs', app())
    await server.reload()
    expect(await fresh(url))
      .to.match(/^served by/)
      .and.not.to.equal(before)
  })

  it('takes no longer than boot_timeout', async () => {
    const server = serve(
      app('await new Promise(resolve => setTimeout(resolve, 60_000))'),
      '--boot-timeout',
      '1',
    )
    await server.says(/Cannot start: The app did not load within boot_timeout \(1 s\)/)
    expect((await server.ended).code).to.equal(4)
  })

  it('is ended by a stop, and by a newer reload', async () => {
    const server = serve(app())
    await server.running()
    const hanging = app('await new Promise(resolve => setTimeout(resolve, 60_000))')
    server.write('app.mjs', hanging)
    server.signal('SIGHUP')
    await eventually('it is being loaded', () => loaders(server).length === 3)
    server.signal('SIGHUP')
    await eventually('it is loaded again', () => loaders(server).length === 4)
    const [, , first, second] = loaders(server)
    expect(isAlive(first as number)).to.equal(false)
    server.signal('SIGTERM')
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
    expect(isAlive(second as number)).to.equal(false)
  })

  it('goes with an app that listens itself, in TypeScript, and logs what that says', async () => {
    const server = launch({
      args: ['--preload', '-b', '127.0.0.1:0', './app.ts'],
      files: {
        'app.ts': `import { createServer } from 'node:http'
          enum Word { hello = 'hello' }
          console.log('loading the app')
          createServer((req, res) => res.end(Word.hello)).listen(process.env.PORT)\n`,
      },
    })
    const url = await server.running()
    expect(server.log.match(/loading the app/g)?.length).to.be.at.least(2)
    expect(await fresh(url)).to.equal('hello')
  })
})
