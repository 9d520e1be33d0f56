/** When file descriptors run out, clients that have been idle for longest make room, and no worker ends. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { exchange, first, open } from '../../support/http/raw.ts'
import { eventually, launch, type Tsicorn } from '../../support/tsicorn.ts'

const get = 'GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n'
const tsicorn = fileURLToPath(new URL('../../../daemon/tsicorn.js', import.meta.url))

/** Few enough that a test can use them up. */
function serve(text: string, ...args: string[]): Tsicorn {
  return launch({
    command: ['sh', '-c', 'ulimit -n 128; exec "$@"', 'sh', process.execPath, tsicorn],
    args: ['-b', '127.0.0.1:0', ...args, './app.mjs'],
    files: { 'app.mjs': text },
  })
}

const app = `export default (req, res) => res.end('answer')`

describe('file descriptors', () => {
  const clients: Readonly<Record<string, string>> = {
    'that say nothing': '',
    'whose requests do not arrive': 'GET / HT',
    'that wait for their next request': 'GET / HTTP/1.1\r\nHost: test\r\n\r\n',
  }
  for (const [what, bytes] of Object.entries(clients)) {
    it(`are kept free from clients ${what}: the oldest make room, and the worker lives`, async () => {
      const server = serve(app)
      const url = await server.running()
      const sockets: Socket[] = []
      for (let n = 0; n < 300; n += 1) {
        const socket = await open(url)
        socket.resume().write(bytes)
        sockets.push(socket)
      }
      const isClosed = () => sockets[0]?.destroyed === true || sockets[0]?.readableEnded === true
      if (bytes.endsWith('\r\n\r\n')) await eventually('the oldest has made room', isClosed)
      for (let n = 0; n < 20; n += 1) expect(await exchange(url, get)).to.contain('answer')
      const [oldest] = sockets
      if (oldest?.readableEnded === false && !oldest.destroyed)
        await Promise.race([once(oldest, 'end'), once(oldest, 'close')])
      await server.says(/File descriptors run out \(\d+ connections and \d+ others of at most 128\)/)
      for (const socket of sockets) socket.destroy()
      expect(server.log).not.to.match(/exited|run out[\s\S]*run out/)
    })
  }

  it('are not taken from a client that had an answer just now while others never said anything', async () => {
    const server = serve(app)
    const url = await server.running()
    const honest = await open(url)
    const ask = async () => {
      honest.write('GET / HTTP/1.1\r\nHost: test\r\n\r\n')
      return await first(honest)
    }
    for (let round = 0; round < 5; round += 1) {
      expect(await ask()).to.contain('answer')
      const silent = await Promise.all(Array.from({ length: 150 }, async () => await open(url)))
      expect(await ask()).to.contain('answer')
      for (const socket of silent) socket.resume()
    }
    await server.says(/File descriptors run out/)
    honest.destroy()
  })

  it('are kept free from clients that wait for a place', async () => {
    const server = serve(app, '--worker-connections', '10')
    const url = await server.running()
    const sockets = []
    for (let n = 0; n < 300; n += 1) sockets.push(await open(url))
    await server.says(/File descriptors run out/)
    for (const socket of sockets) socket.destroy()
    expect(await exchange(url, get)).to.contain('answer')
    expect(server.log).not.to.match(/exited/)
  })

  it('that the app uses up cost no worker', async () => {
    const server = serve(`
import { closeSync, openSync } from 'node:fs'
const files = []
export default (req, res) => {
  if (req.url === '/close') {
    for (const fd of files.splice(0)) closeSync(fd)
    return res.end('closed')
  }
  try {
    for (;;) files.push(openSync('/dev/null'))
  } catch (error) {
    // Meanwhile the heartbeat is read and written several times.
    setTimeout(() => res.end(error.code), 1_000)
  }
}`)
    const url = await server.running()
    const socket = await open(url)
    const ask = async (path: string) => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`)
      return await first(socket)
    }
    expect(await ask('/')).to.contain('EMFILE')
    expect(await ask('/close')).to.contain('closed')
    socket.destroy()
    expect(await exchange(url, get)).to.contain('EMFILE')
    expect(server.log).not.to.match(/exited/)
  })
})
