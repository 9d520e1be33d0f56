/** Apps that throw, or replace what Node itself calls, cost at most the request, and never their worker. */
import { expect } from 'chai'
import { exchange, statuses } from '../../support/http/raw.ts'
import { launch, type Tsicorn } from '../../support/tsicorn.ts'

/** Fails as it is asked to, and says who answers otherwise. */
const listener = `
async function answer(req, res) {
  if (req.url === '/pid') return res.end(String(process.pid))
  res.setHeader('Content-Length', 3)
  res.setHeader('X-Secret', 'half done')
  if (req.url === '/half') res.write('o')
  if (req.url === '/whole') res.end('one')
  throw new Error('broken as asked')
}
const fail = (req, res) => {
  if (req.url === '/reason') {
    res.statusMessage = 'a\\nb'
    return res.end('one')
  }
  if (req.url === '/now') throw new Error('broken as asked')
  return answer(req, res)
}
`

const shapes: Readonly<Record<string, string>> = {
  'a function': `${listener} export default fail`,
  'a server': `import { createServer } from 'node:http'
${listener} export default createServer(fail)`,
  'a script that listens': `import { createServer } from 'node:http'
${listener} createServer(fail).listen(process.env.PORT)`,
}

const close = 'Host: test\r\nConnection: close\r\n\r\n'

function serve(app: string, ...args: string[]): Tsicorn {
  return launch({
    args: ['-b', '127.0.0.1:0', '-w', '1', ...args, './app.mjs'],
    files: { 'app.mjs': app },
    errors: true,
  })
}

describe('an application that throws while it answers', () => {
  for (const [shape, app] of Object.entries(shapes)) {
    it(`as ${shape} costs that request and no other`, async () => {
      const server = serve(app, '--access-logfile', '-', '--request-id-header', 'X-Id')
      const url = await server.running()
      const ask = async (path: string) => await exchange(url, `GET ${path} HTTP/1.1\r\n${close}`)
      const before = await ask('/pid')
      for (const path of ['/now', '/later']) {
        const answer = await ask(path)
        expect(statuses(answer), path).to.deep.equal([500])
        expect(answer).to.match(/\r\n\r\nInternal Server Error\n$/)
        expect(answer)
          .to.match(/^X-Id: [\da-f-]{36}\r$/im)
          .and.not.to.contain('half done')
        await server.says(
          new RegExp(`\\[ERROR\\] GET ${path} failed: Error: broken as asked\\n +at .*app\\.mjs:`),
        )
      }
      expect(await ask('/reason')).to.match(/^HTTP\/1\.1 500 Internal Server Error\r\n/)
      await server.says(/GET \/reason failed/)
      expect(await ask('/half')).to.match(/\r\n\r\no$/)
      await server.says(/GET \/half failed/)
      expect(await ask('/whole')).to.match(/\r\n\r\none$/)
      await server.says(/GET \/whole failed/)
      const pid = (answer: string) => answer.split('\r\n\r\n')[1]
      expect(pid(await ask('/pid'))).to.equal(pid(before))
      await server.stop()
      const lines = Array.from(server.log.matchAll(/"GET (\S+) HTTP\/1.1" (\d+)/g), ([, path, status]) => [
        path,
        status,
      ])
      expect(lines).to.have.deep.members([
        ['/pid', '200'],
        ['/now', '500'],
        ['/later', '500'],
        ['/reason', '500'],
        ['/half', '200'],
        ['/whole', '200'],
        ['/pid', '200'],
      ])
    })
  }

  it('costs an upgrade, too, no more than its connection', async () => {
    const server = serve(`import { createServer } from 'node:http'
      const server = createServer((req, res) => res.end('alive\\n'))
      server.on('upgrade', async (req, socket) => {
        if (req.url === '/half') socket.write('HTTP/1.1 101 Switching Protocols\\r\\n\\r\\n')
        throw new Error('broken as asked')
      })
      export default server`)
    const url = await server.running()
    const upgrade = (path: string) =>
      `GET ${path} HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`
    expect(statuses(await exchange(url, upgrade('/')))).to.deep.equal([500])
    expect(statuses(await exchange(url, upgrade('/half')))).to.deep.equal([101])
    await server.says(/GET \/half failed: Error: broken as asked/)
    expect(statuses(await exchange(url, `GET / HTTP/1.1\r\n${close}`))).to.deep.equal([200])
    expect(server.log).not.to.contain('exited')
  })
})

describe('an app that replaces what Node itself calls', () => {
  it('ends no worker by that', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.mjs'],
      files: {
        'app.mjs': `
          export default (req, res) => {
            process.hrtime = process.memoryUsage = () => undefined
            performance.eventLoopUtilization = () => { throw new Error('replaced') }
            // Meanwhile the heart beats several times.
            setTimeout(() => res.end(String(process.pid)), 1_500)
          }`,
      },
    })
    const url = await server.running()
    expect(await (await fetch(url)).text()).to.equal(String(server.workers[0]))
    expect(server.log).not.to.contain('exited')
  })
})
