/** Stuck workers without an arbiter are ended by the next start at their address, and nobody else is. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect } from 'chai'
import { eventually, freePort, isAlive, launch, makeFolder, type Tsicorn } from '../../support/tsicorn.ts'

const app = `
  import { writeSync } from 'node:fs'
  export default async (req, res) => {
    if (req.url === '/block') { writeSync(1, 'blocking\\n'); for (;;); }
    if (req.url === '/title') process.title = 'something else'
    if (req.url === '/slow') { writeSync(1, 'slow\\n'); await new Promise(resolve => setTimeout(resolve, 6000)) }
    res.end('answered by ' + process.pid)
  }`

/** Starts a server in that folder; the next one there has the same address. */
function startIn(folder: string, args: readonly string[]): Tsicorn {
  return launch({ folder, args: ['--timeout', '0', ...args, './app.mjs'], errors: true })
}

async function ask(url: string, path = '/'): Promise<string> {
  return await (await fetch(url + path, { headers: { connection: 'close' } })).text()
}

describe('a worker that stands still and has lost its arbiter', () => {
  for (const [what, args] of [
    ['its port', []],
    ['its port, with a pidfile', ['-p', 'app.pid']],
    ['its port among others', ['-w', '2']],
    ['its shared port', ['--reuse-port']],
  ] as const) {
    it(`is ended by the next start, which takes ${what}`, async () => {
      const folder = makeFolder({ 'app.mjs': app })
      const bind = ['-b', `127.0.0.1:${await freePort()}`, ...args]
      const killed = startIn(folder, bind)
      const url = await killed.running()
      const { workers } = killed
      ask(url, '/block').catch(() => undefined)
      await killed.says(/blocking/)
      killed.signal('SIGKILL')
      await eventually('one is left', () => workers.filter(isAlive).length === 1)
      const [stuck] = workers.filter(isAlive)
      const next = startIn(folder, bind)
      await next.says(
        new RegExp(`\\[WARNING\\] .* is held by a worker of a server that was killed \\(pid ${stuck}\\)`),
      )
      await next.says(new RegExp(`\\[WARNING\\] Killing worker \\(pid ${stuck}\\): it stands still`))
      await next.running()
      expect(workers.filter(isAlive)).to.deep.equal([])
      expect(await ask(url)).to.match(/^answered by/)
      expect(await next.stop()).to.deep.equal({ code: 0, signal: null })
    })
  }

  it('is ended by the next start, which takes its unix socket, and whatever its title is', async () => {
    const folder = makeFolder({ 'app.mjs': app })
    const args = ['-b', 'unix:app.sock', '-b', '127.0.0.1:0']
    const killed = startIn(folder, args)
    await killed.running()
    const [, url] = /Listening at: (http:\S+)/.exec(killed.log) as unknown as [string, string]
    await ask(url, '/title')
    const [stuck] = killed.workers as [number]
    ask(url, '/block').catch(() => undefined)
    await killed.says(/blocking/)
    killed.signal('SIGKILL')
    await eventually('its arbiter is gone', () => !isAlive(killed.pid))
    const next = startIn(folder, args)
    await next.says(new RegExp(`Killing worker \\(pid ${stuck}\\)`))
    await next.running()
    expect(isAlive(stuck)).to.equal(false)
    expect(await next.stop()).to.deep.equal({ code: 0, signal: null })
  })
})

describe('a worker that has lost its arbiter', () => {
  it('and answers what it has is not ended by the next start', async () => {
    const folder = makeFolder({ 'app.mjs': app })
    const bind = ['-b', `127.0.0.1:${await freePort()}`]
    const killed = startIn(folder, bind)
    const url = await killed.running()
    const [worker] = killed.workers as [number]
    const answer = ask(url, '/slow')
    await killed.says(/slow/)
    killed.signal('SIGKILL')
    const next = startIn(folder, bind)
    await next.running()
    expect(await ask(url)).not.to.contain(`${worker}`)
    expect(await answer).to.equal(`answered by ${worker}`)
    expect(next.log).not.to.match(/Killing/)
    await eventually('it has left', () => !isAlive(worker))
  })
})

describe('an address that is in use', () => {
  it('by the workers of a server that lives is left to it', async () => {
    const folder = makeFolder({ 'app.mjs': app })
    const bind = ['-b', `127.0.0.1:${await freePort()}`]
    const first = startIn(folder, bind)
    const url = await first.running()
    ask(url, '/block').catch(() => undefined)
    await first.says(/blocking/)
    const second = startIn(folder, bind)
    await second.says(/the address is in use/)
    expect(await second.ended).to.deep.equal({ code: 1, signal: null })
    expect(second.log).not.to.match(/is held by|Killing/)
    expect(first.workers).to.have.length(1)
    await first.stop('SIGINT')
  })

  it('by another program is left to it', async () => {
    const port = await freePort()
    const other = createServer().listen(port, '127.0.0.1')
    await once(other, 'listening')
    const server = startIn(makeFolder({ 'app.mjs': app }), ['-b', `127.0.0.1:${port}`])
    expect(await server.ended).to.deep.equal({ code: 1, signal: null })
    expect(server.log).not.to.match(/is held by|Killing/)
    expect(other.listening).to.equal(true)
    other.close()
  })
})
