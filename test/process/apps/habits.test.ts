/** What programs are used to do with servers of their own works under tsicorn too, through a reload as well. */
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { fresh, overUnixSocket } from '../../support/requests.ts'
import { eventually, launch, type Tsicorn } from '../../support/tsicorn.ts'

/** What programs do with servers, each served by two workers and through a reload. */
const habits: Readonly<Record<string, readonly [text: string, answer: string | RegExp]>> = {
  'a callback of listen, and server.address() in it': [
    `const server = createServer((req, res) => res.end(said))
     let said
     server.listen(port, () => { said = String(server.address().port === port) })`,
    'true',
  ],
  'a promise for the event listening, and server.listening': [
    `let said
     const server = createServer((req, res) => res.end(said)).listen(port)
     await once(server, 'listening')
     said = String(server.listening)`,
    'true',
  ],
  'a handler of EADDRINUSE': [
    `let said = 'free'
     const server = createServer((req, res) => res.end(said))
     server.on('error', error => { said = error.code; server.listen(port + 1) })
     server.listen(port)`,
    'free',
  ],
  'listen(0) for a server of its own': [
    `const own = createServer((req, res) => res.end('own')).listen(0, '127.0.0.1')
     await once(own, 'listening')
     createServer((req, res) => res.end(String(own.address().port))).listen(port)`,
    /^\d{4,5}$/,
  ],
  'time limits on its server': [
    `const server = createServer((req, res) => res.end([server.timeout, server.keepAliveTimeout, server.headersTimeout].join()))
     server.setTimeout(7_000)
     server.keepAliveTimeout = 8_000
     server.headersTimeout = 9_000
     server.listen(port)`,
    '7000,8000,9000',
  ],
  'a class of its own on top of http.Server': [
    `class App extends Server {
       constructor() { super((req, res) => res.end(this.name)); this.name = 'class' }
       listen(...args) { return super.listen(...args) }
     }
     new App().listen(port)`,
    'class',
  ],
  'an emit of its own, put there before it listens and after that': [
    `const server = createServer((req, res) => res.end(said.join()))
     const said = []
     const wrap = name => {
       const { emit } = server
       server.emit = function (event, ...args) {
         if (event === 'request') said.push(name)
         return emit.call(this, event, ...args)
       }
     }
     wrap('before')
     server.listen(port)
     wrap('after')`,
    'after,before',
  ],
  'a listener that is added after it listens': [
    `const server = createServer().listen(port)
     server.on('request', (req, res) => res.end('late'))`,
    'late',
  ],
  'a server that another function makes from its options': [
    `createServer({ keepAlive: true }, (req, res) => res.end('options')).listen({ port, host: '0.0.0.0', backlog: 5 })`,
    'options',
  ],
  'readiness for PM2': [
    `createServer((req, res) => res.end(String(typeof process.send))).listen(port, () => process.send('ready'))`,
    'function',
  ],
}

function serve(text: string, ...args: readonly string[]): Tsicorn {
  return launch({
    args: ['-b', '127.0.0.1:0', '-w', '2', ...args, './app.mjs'],
    files: {
      'app.mjs': `import { once } from 'node:events'
        import { createServer, Server } from 'node:http'
        const port = Number(process.env.PORT)
        ${text}`,
    },
  })
}

describe('a program with', () => {
  for (const [habit, [text, answer]] of Object.entries(habits)) {
    it(`${habit} is served`, async () => {
      const server = serve(text)
      const url = await server.running()
      const check = async () => {
        if (typeof answer === 'string') expect(await fresh(url)).to.equal(answer)
        else expect(await fresh(url)).to.match(answer)
      }
      await check()
      await server.reload()
      await check()
    })
  }

  it('an error for a port that somebody else has hears of it', async () => {
    const rival = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => rival.once('listening', resolve))
    const { port } = rival.address() as { port: number }
    const server = serve(`
      let said = 'none'
      createServer().on('error', error => { said = error.code }).listen(${port}, '127.0.0.1')
      createServer((req, res) => res.end(said)).listen(port)`)
    const url = await server.running()
    rival.close()
    expect(await fresh(url)).to.equal('EADDRINUSE')
    // The arbiter has tried before.
    expect(server.log).to.match(new RegExp(`Cannot bind 127\\.0\\.0\\.1:${port}: the address is in use`))
    server.log = server.log.replaceAll(/.*Cannot bind.*\n/g, '')
  })

  it('a unix socket of its own beside has that served by the arbiter', async () => {
    const server = serve(`
      createServer((req, res) => res.end('socket')).listen('own.sock')
      createServer((req, res) => res.end('port')).listen(port)`)
    const url = await server.running()
    const path = join(server.folder, 'own.sock')
    expect(await overUnixSocket(path)).to.equal('socket')
    expect(await fresh(url)).to.equal('port')
    await server.reload()
    expect(await overUnixSocket(path)).to.equal('socket')
    server.signal('SIGTERM')
    await server.ended
    expect(existsSync(path)).to.equal(false)
  })

  it('process.exit() while it serves costs that worker alone', async () => {
    const server = serve(`
      createServer((req, res) => {
        if (req.url === '/exit') process.exit(7)
        res.end(String(process.pid))
      }).listen(port)`)
    const url = await server.running()
    const failed = await fresh(`${url}/exit`).catch(() => 'cut')
    expect(failed).to.equal('cut')
    await server.says(/exited with code 7/)
    await eventually('two workers', () => server.workers.length === 2)
    expect(await fresh(url)).to.match(/^\d+$/)
    server.signal('SIGTERM')
    await server.ended
    server.log = server.log.replace(/.*exited with code 7.*\n/, '')
  })
})
