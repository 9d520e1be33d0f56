/** Apps that serve no HTTP at all, over plain TCP. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { Authority, hasOpenssl } from '../../support/certificates.ts'
import { first, open } from '../../support/http/raw.ts'
import { freePort, type LaunchOptions, launch, type Tsicorn } from '../../support/tsicorn.ts'

/** Answers each message with the process that got it. */
const echo = (
  listen: string,
  create = 'const server = net.createServer(serve)',
) => `import net from 'node:net'
const serve = socket => socket.on('data', bytes => {
  socket.write(process.pid + ' ' + bytes)
})
${create}
server.listen(${listen})
process.on('SIGTERM', () => console.log('the app hears TERM'))\n`

function serve(text: string, args: readonly string[] = [], options: LaunchOptions = {}): Tsicorn {
  return launch({
    ...options,
    args: ['-w', '2', ...args, './app.mjs'],
    files: { ...options.files, 'app.mjs': text },
  })
}

async function say(socket: Socket, text: string): Promise<string> {
  socket.write(text)
  return await first(socket)
}

/** The process that answers on a connection of its own. */
async function answering(url: string): Promise<string> {
  const socket = await open(url)
  const answer = await say(socket, 'hello')
  socket.destroy()
  expect(answer).to.match(/^\d+ hello$/)
  return answer.split(' ')[0] as string
}

describe('an app that serves plain TCP', () => {
  it('is served at its own address by all workers, and keeps connections over a reload', async () => {
    const port = await freePort()
    const server = serve(echo(`${port}, '127.0.0.1'`))
    await server.running()
    const url = `tcp://127.0.0.1:${port}`
    const seen = new Set<string>()
    while (seen.size < 2) seen.add(await answering(url))
    const kept = await open(url)
    const old = (await say(kept, 'one')).split(' ')[0] as string
    await server.reload()
    expect(await say(kept, 'two')).to.equal(`${old} two`)
    expect(seen.has(await answering(url))).to.equal(false)
    kept.end()
    await server.says(new RegExp(`\\(pid ${old}\\) exited with code 0: replaced`))
    kept.destroy()
    await server.stop()
    expect(server.log).not.to.match(/graceful_timeout is over/)
  })

  it('has its connections ended when graceful_timeout is over, and then hears of the stop', async () => {
    const server = serve(echo('process.env.PORT'), ['-b', '127.0.0.1:0', '--graceful-timeout', '2'])
    const socket = await open(await server.running())
    expect(await say(socket, 'one')).to.contain('one')
    server.signal('SIGTERM')
    await server.says(/Stopping/)
    expect(await say(socket, 'two')).to.contain('two')
    await once(socket.resume(), 'end')
    socket.destroy()
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
    expect(server.log).to.match(/graceful_timeout is over: cutting 1 connection/)
    expect(server.log.match(/the app hears TERM/g)).to.have.length(2)
  })

  it('may get its listener after it listens', async () => {
    const port = await freePort()
    const late = `const server = net.createServer()\nqueueMicrotask(() => server.on('connection', serve))`
    const server = serve(echo(`${port}, '127.0.0.1'`, late))
    await server.running()
    const seen = new Set<string>()
    while (seen.size < 2) seen.add(await answering(`tcp://127.0.0.1:${port}`))
  })

  it('is served on a unix socket that is bound for it, and refused with the cure otherwise', async () => {
    const refused = serve(echo(`'own.sock'`), [], { errors: true })
    expect(await refused.ended).to.deep.equal({ code: 4, signal: null })
    expect(refused.log).to.match(/start tsicorn with -b unix:\S+own\.sock/)
    const server = serve(echo(`'own.sock'`), ['-b', 'unix:own.sock'])
    await server.running()
    const socket = connect(join(server.folder, 'own.sock'))
    expect(await say(socket, 'hello')).to.match(/^\d+ hello$/)
    socket.destroy()
  })

  it('is not stopped by what its clients do', async () => {
    const server = serve(echo('process.env.PORT'), ['-b', '127.0.0.1:0'])
    const url = await server.running()
    const workers = server.workers.toSorted()
    for (let clients = 0; clients < 10; clients += 1) {
      const socket = await open(url)
      if (clients % 2 === 0) await say(socket, 'hello')
      socket.resetAndDestroy()
    }
    await answering(url)
    expect(server.workers.toSorted()).to.deep.equal(workers)
  })

  it('is refused where certfile is set, which would not apply to it', async function () {
    if (!hasOpenssl) this.skip()
    const authority = new Authority()
    const { cert, key } = authority.sign('localhost')
    authority.remove()
    const args = ['-b', '127.0.0.1:0', '--certfile', 'cert.pem', '--keyfile', 'key.pem', '-w', '1']
    const files = { 'cert.pem': cert, 'key.pem': key }
    const server = serve(echo('process.env.PORT'), args, { files, errors: true })
    expect(await server.ended).to.deep.equal({ code: 4, signal: null })
    expect(server.log).to.match(/is no HTTP server, so certfile does not apply to it: leave out certfile/)
  })
})
