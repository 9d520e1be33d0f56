/** Listeners that an app gives to its server when that listens already are served like those that it has had before. */
import { expect } from 'chai'
import { exchange, first, open, rest } from '../../support/http/raw.ts'
import { launch, type Tsicorn } from '../../support/tsicorn.ts'

const get = 'GET / HTTP/1.1\r\nHost: test\r\n\r\n'
const malformed = 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n'

/** How it comes by its listener. */
const ways: Readonly<Record<string, string>> = {
  added: `server.on('request', hello)`,
  // As Engine.IO does it.
  'put in the place of another': `
    const before = server.listeners('request').slice()
    server.removeAllListeners('request')
    server.on('request', (req, res) => before.length > 0 ? before.forEach(one => one.call(server, req, res)) : hello(req, res))`,
}

async function serve(way: string, isFirst: boolean): Promise<Tsicorn> {
  const server = launch({
    args: ['-b', '127.0.0.1:0', '-w', '1', './app.mjs'],
    files: {
      'app.mjs': `
        import { createServer } from 'node:http'
        const hello = (_req, res) => res.end('hello')
        const server = createServer(${isFirst ? '' : 'hello'})
        server.listen(process.env.PORT, () => setTimeout(() => {
          ${way}
          console.log('it has its listener')
        }, 300))`,
    },
  })
  await server.running()
  await server.says(/it has its listener/)
  return server
}

describe('a listener that is', () => {
  for (const [name, way] of Object.entries(ways))
    for (const isFirst of [true, false])
      it(`${name} late, ${isFirst ? 'as the first one' : 'beside another'}, gets what the others get`, async () => {
        const server = await serve(
          isFirst || name !== 'added' ? way : `server.on('request', () => undefined)`,
          isFirst,
        )
        expect(await exchange(server.url, malformed)).to.match(/^HTTP\/1\.1 400 /)
        const socket = await open(server.url)
        socket.write(get)
        expect(await first(socket)).to.match(/hello/)
        server.signal('SIGHUP')
        await server.says(/Reload 1: generation 2 serves/)
        socket.write(get)
        const last = await rest(socket)
        expect(last === '' || /^Connection: close\r$/m.test(last)).to.equal(true)
        await server.says(/exited with code 0: replaced/)
      })

  it('for upgrades rejects what is malformed, too', async () => {
    const server = await serve(
      `server.on('request', hello).on('upgrade', (_req, socket) => socket.end('HTTP/1.1 101 Fine\\r\\n\\r\\n'))`,
      true,
    )
    const upgrade = (host: string) =>
      `GET / HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`
    expect(await exchange(server.url, upgrade('Host: a\r\n'))).to.match(/^HTTP\/1\.1 101 /)
    expect(await exchange(server.url, upgrade('Host: a\r\nHost: b\r\n'))).to.match(/^HTTP\/1\.1 400 /)
  })
})
