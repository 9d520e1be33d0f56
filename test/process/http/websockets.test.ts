/** WebSockets through reloads, in the log and refused, and beside them CONNECT, other upgrades and early hints. */
import { expect } from 'chai'
import { exchange, first, open, statuses } from '../../support/http/raw.ts'
import { listening } from '../../support/requests.ts'
import { eventually, launch, launchApp, launchText } from '../../support/tsicorn.ts'

/** Opens a WebSocket. */
async function connect(url: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/socket`)
  await new Promise((resolve, reject) => {
    socket.onopen = resolve
    socket.onerror = reject
  })
  return socket
}

async function ask(socket: WebSocket, text: string): Promise<string> {
  return await new Promise(resolve => {
    socket.onmessage = ({ data }) => resolve(data)
    socket.send(text)
  })
}

/** The code with which it is closed. */
async function closed(socket: WebSocket): Promise<number> {
  return await new Promise(resolve => {
    socket.onclose = ({ code }) => resolve(code)
  })
}

describe('WebSockets', () => {
  for (const app of ['ws', 'fastify', 'hono']) {
    it(`of ${app} live on in the old worker after a reload, and get a close frame in the end`, async () => {
      const server = launchApp(`sockets/${app}.mjs`, ['-w', '1', '--graceful-timeout', '3'])
      const url = await server.running()
      const old = await connect(url)
      const code = closed(old)
      const [pid] = (await ask(old, 'hello')).split(' ')
      await server.reload()
      const young = await connect(url)
      expect((await ask(young, 'hello')).split(' ')[0]).not.to.equal(pid)
      // Longer than an idle connection is kept while a worker drains.
      await new Promise(resolve => setTimeout(resolve, 1_500))
      expect(await ask(old, 'again')).to.equal(`${pid} again`)
      expect(await code).to.equal(1001)
      await server.says(/Worker 1 .* exited with code 0: replaced/)
      young.close()
    })
  }

  for (const [when, handler] of [
    ['before', 'upgrades(); server.listen(process.env.PORT)'],
    ['after', 'server.listen(process.env.PORT); upgrades()'],
  ]) {
    it(`that come before the worker serves get a close frame too, handled from ${when} listen on`, async () => {
      const text = `import { createServer } from 'node:http'
        import { setTimeout as sleep } from 'node:timers/promises'
        import { WebSocketServer } from ${JSON.stringify(import.meta.resolve('ws'))}
        const server = createServer()
        const upgrades = () => new WebSocketServer({ server }).on('connection', socket =>
          socket.on('message', data => socket.send(process.pid + ' ' + data)))
        ${handler}
        while (!globalThis.isDone) await sleep(50)`
      const server = launchText(text, ['-w', '1', '--graceful-timeout', '2'])
      await server.says(/was redirected/)
      await listening(server.url)
      const socket = await connect(server.url)
      const code = closed(socket)
      expect(await ask(socket, 'early')).to.match(/^\d+ early$/)
      server.signal('SIGTERM')
      expect(await code).to.equal(1001)
    })
  }

  it('lose no message in reloads, where clients leave before graceful_timeout', async () => {
    const server = launchApp('sockets/ws.mjs', ['-w', '2'])
    const url = await server.running()
    let isOn = true
    let answered = 0
    const clients = Array.from({ length: 6 }, async (_, client) => {
      while (isOn) {
        const socket = await connect(url)
        for (let message = 0; message < 20; message += 1) {
          expect(await ask(socket, `${client} ${message}`)).to.match(
            new RegExp(`^\\d+ ${client} ${message}$`),
          )
          answered += 1
        }
        const code = closed(socket)
        socket.close(1000)
        expect(await code).to.equal(1000)
      }
    })
    for (let reload = 0; reload < 5; reload += 1) {
      const goal = answered + 200
      await eventually('messages are answered', () => answered >= goal)
      await server.reload()
    }
    isOn = false
    await Promise.all(clients)
  }).timeout(240_000)

  it('are in the access log when they end, with the status of their handshake', async () => {
    const server = launchApp('sockets/ws.mjs', [
      ...['--access-logfile', '-', '--access-logformat', 'line %(r)s %(s)s %(b)s.'],
    ])
    const socket = await connect(await server.running())
    await ask(socket, 'hello')
    socket.close()
    await server.says(/line GET \/socket HTTP\/1\.1 101 [1-9]\d+\./)
  })

  it('are refused as other requests are', async () => {
    const url = await launchApp('sockets/ws.mjs').running()
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
    const hosts = 'Host: one\r\nHost: two\r\n'
    const answer = await exchange(url, `GET / HTTP/1.1\r\n${hosts}${upgrade}${key}\r\n`)
    expect(statuses(answer)).to.deep.equal([400])
  })
})

describe('other ways out of HTTP/1.1', () => {
  it('lead to the application that listens for CONNECT, and count until they end', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '--graceful-timeout', '3', './app.mjs'],
      files: {
        'app.mjs': `
          import { createServer } from 'node:http'
          export default createServer((req, res) => res.end('plain')).on('connect', (req, socket) => {
            socket.write('HTTP/1.1 200 Connection Established\\r\\n\\r\\n')
            socket.on('data', data => socket.write('echo ' + data)).on('error', () => undefined)
          })`,
      },
    })
    const socket = await open(await server.running())
    socket.write('CONNECT test:443 HTTP/1.1\r\nHost: test:443\r\n\r\n')
    expect(await first(socket)).to.match(/^HTTP\/1\.1 200 /)
    await server.reload()
    await new Promise(resolve => setTimeout(resolve, 1_200))
    socket.write('hello')
    expect(await first(socket)).to.equal('echo hello')
    await server.says(/Worker 1 .* exited with code 0: replaced/)
    socket.destroy()
  })

  it('are ignored where nobody listens for them: an upgrade is an ordinary request', async () => {
    const url = await launchApp('hello.ts').running()
    const fields = 'Host: test\r\nConnection: Upgrade\r\nUpgrade: wonders\r\n'
    const socket = await open(url)
    socket.write(`GET / HTTP/1.1\r\n${fields}\r\n`)
    expect(await first(socket)).to.match(/^HTTP\/1\.1 200 [\s\S]*hello$/)
    socket.destroy()
  })
})

describe('103 Early Hints', () => {
  it('go out before the answer', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.mjs'],
      files: {
        'app.mjs': `export default (req, res) => {
          res.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' })
          res.end('styled')
        }`,
      },
    })
    const bytes = 'GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n'
    const answer = await exchange(await server.running(), bytes)
    expect(statuses(answer)).to.deep.equal([103, 200])
    expect(answer).to.match(/^link: <\/style\.css>; rel=preload; as=style\r$/im)
  })
})
