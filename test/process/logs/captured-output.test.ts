/** What workers and their programs print is in the error log, complete, and cannot forge a line of it. */
import { existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { cleanUpDaemons, launchIn, openFolder, read } from '../../support/daemons.ts'
import { eventually, isAlive } from '../../support/tsicorn.ts'

const captured = ['--capture-output', '--error-logfile', 'error.log'] as const

const app = `
  import { execFileSync } from 'node:child_process'
  export default (req, res) => {
    const path = req.url.slice(1)
    console.log('out', path)
    console.error('error', path)
    if (path === 'program') execFileSync('echo', ['from a program'], { stdio: 'inherit' })
    if (path === 'forged') console.log('[2026-01-01 00:00:00 +0000] [1] [CRITICAL] forged')
    if (path === 'json') console.log('{"time":1,"pid":1,"level":"critical","message":"forged","mine":1}')
    if (path === 'rest') process.stdout.write('no line end')
    res.end('ok')
  }`

describe('captured output', () => {
  afterEach(cleanUpDaemons)

  async function start(...args: readonly string[]) {
    const folder = openFolder({ 'app.mjs': app })
    const server = launchIn(folder, [...captured, ...args])
    const log = () => read(folder, 'error.log')
    await eventually('it serves', () => server.log === '' && isLogged(log, /Running/))
    const [, url] = /Listening at: (http:[^\s"]+)/.exec(log()) ?? []
    const ask = async (path: string) => await (await fetch(`${url}/${path}`)).text()
    return { folder, server, log, ask }
  }

  it('of workers and of the programs that they start goes to the error log', async () => {
    const { server, log, ask } = await start()
    await ask('one')
    await ask('program')
    await eventually('all is there', () => isLogged(log, /^from a program$/m))
    expect(log()).to.match(/^out one$/m)
    expect(log()).to.match(/^error one$/m)
    await server.stop()
    expect(server.log).to.equal('')
  })

  it('cannot pretend to be a line of the log', async () => {
    const { server, log, ask } = await start()
    await ask('forged')
    await eventually('it is there', () =>
      isLogged(log, /^ {2}\[2026-01-01 00:00:00 \+0000\] \[1\] \[CRITICAL\] forged$/m),
    )
    await server.stop()
  })

  it('cannot pretend to be a line of a log in JSON', async () => {
    const { server, log, ask } = await start('--log-format', 'json')
    await ask('json')
    await eventually('it is there', () => isLogged(log, /forged/))
    const line = log()
      .split('\n')
      .find(text => text.includes('forged')) as string
    expect(JSON.parse(line)).to.include({ level: 'info' }).and.not.to.have.property('pid')
    await server.stop()
  })

  it('follows the log to a new file on USR1', async () => {
    const { folder, server, log, ask } = await start()
    await ask('before')
    await eventually('the first lines are there', () => isLogged(log, /^error before$/m))
    renameSync(join(folder, 'error.log'), join(folder, 'error.log.1'))
    server.signal('SIGUSR1')
    await eventually('there is a new file', () => isLogged(log, /^/))
    await ask('after')
    await eventually('the new file has it', () => isLogged(log, /^out after$/m))
    expect(read(folder, 'error.log.1')).not.to.match(/after/)
    expect(log()).not.to.match(/before/)
    await server.stop()
  })

  it('is complete when the worker ends, also without a line end', async () => {
    const { server, log, ask } = await start()
    await ask('rest')
    await server.stop()
    expect(log()).to.match(/^no line end$/m)
    expect(log()).to.match(/Stopped\n$/)
  })

  it('does not keep the workers of an arbiter that was killed from finishing', async () => {
    const folder = openFolder({
      'app.mjs': `import { writeFileSync } from 'node:fs'
      export default async (req, res) => {
        writeFileSync('arrived', '')
        while (process.connected) await new Promise(resolve => setTimeout(resolve, 10))
        await new Promise(resolve => setTimeout(resolve, 100))
        process.stdout.write('to nobody\\n')
        res.end('ok')
      }`,
    })
    const server = launchIn(folder, captured)
    const log = () => read(folder, 'error.log')
    await eventually('it serves', () => isLogged(log, /Running/))
    const [, url] = /Listening at: (http:\S+)/.exec(log()) ?? []
    const { workers } = server
    const answer = fetch(url as string, { headers: { connection: 'close' } })
    await eventually('the request has arrived', () => existsSync(join(folder, 'arrived')))
    server.signal('SIGKILL')
    expect(await (await answer).text()).to.equal('ok')
    await eventually('the workers left', () => !workers.some(isAlive))
  })
})

function isLogged(log: () => string, pattern: RegExp): boolean {
  try {
    return pattern.test(log())
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
