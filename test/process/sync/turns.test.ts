/** `worker_class: 'sync'`: one request at a time per worker, and what waits is served by whoever is free. */
import { once } from 'node:events'
import { get } from 'node:http'
import { expect } from 'chai'
import { exchange, open, rest, statuses } from '../../support/http/raw.ts'
import { fresh } from '../../support/requests.ts'
import { eventually, freePort, launch, launchText, type Tsicorn } from '../../support/tsicorn.ts'
import { app, listening } from './app.ts'

const sync = ['-k', 'sync']
const close = 'Host: test\r\nConnection: close\r\n\r\n'

/** Asks so many times at once, and returns the answers. */
async function ask(url: string, times: number, path = '/'): Promise<string[]> {
  return await Promise.all(Array.from({ length: times }, () => fresh(`${url}${path}`)))
}

function pids(answers: readonly string[]): Set<string> {
  return new Set(answers.map(answer => answer.split(' ')[0] as string))
}

/** Holds every worker, and waits until each says so. */
async function holdAll(server: Tsicorn, url: string, workers: number): Promise<Promise<string>[]> {
  const held = Array.from({ length: workers }, (_, n) => fresh(`${url}/hold${n}`))
  for (let n = 0; n < workers; n += 1) await server.says(/holding \S+ in \d+/)
  return held
}

describe('sync: turns', () => {
  const kinds: readonly [string, () => Promise<readonly [Tsicorn, string]>][] = [
    [
      'an exported handler',
      async () => {
        const server = launchText(app, [...sync, '-w', '4'])
        return [server, await server.running()]
      },
    ],
    [
      'an app that listens itself',
      async () => {
        const port = await freePort()
        const files = { 'app.mjs': listening(port) }
        const server = launch({ args: [...sync, '-w', '4', './app.mjs'], files })
        await server.running()
        return [server, `http://127.0.0.1:${port}`]
      },
    ],
  ]
  for (const [name, start] of kinds) {
    it(`gives ${name} one request at a time, and what waits to workers that are free`, async () => {
      const [server, url] = await start()
      const held = await holdAll(server, url, 4)
      const waiting = ask(url, 8)
      server.write('go', '')
      const answers = [...(await Promise.all(held)), ...(await waiting), ...(await ask(url, 200, '/late'))]
      expect(new Set(answers.map(answer => answer.split(' ')[1]))).to.deep.equal(new Set(['1']))
      expect(pids(answers.slice(0, 4)).size, 'workers that held').to.equal(4)
      expect(server.log).not.to.contain('an overlap')
    })

    it(`serves ${name} by the others while one is stuck`, async () => {
      const [server, url] = await start()
      const stuck = fresh(`${url}/hold`)
      const [, pid] = await server.says(/holding \/hold in (\d+)/)
      const answers = await ask(url, 100)
      expect(pids(answers)).not.to.include(pid)
      server.write('go', '')
      expect(await stuck).to.equal(`${pid} 1`)
    })
  }

  it('closes each connection after its response, whatever the client or the app asks for', async () => {
    const server = launchText(
      `export default (req, res) => { res.setHeader('Connection', 'keep-alive'); res.end('once') }`,
      sync,
    )
    const url = await server.running()
    expect(statuses(await exchange(url, 'GET / HTTP/1.1\r\nHost: test\r\n\r\n'))).to.deep.equal([200])
    const plain = launchText(app, sync)
    const answer = await exchange(await plain.running(), 'GET / HTTP/1.1\r\nHost: test\r\n\r\n')
    expect(answer).to.match(/^Connection: close\r$/m)
  })

  it('answers the first of pipelined requests alone', async () => {
    const server = launchText(app, sync)
    const pipelined = 'GET /late HTTP/1.1\r\nHost: test\r\n\r\n'.repeat(3)
    const answer = await exchange(await server.running(), pipelined)
    expect(statuses(answer)).to.deep.equal([200])
    expect(server.log.match(/done with/g)).to.have.length(1)
  })

  it('goes on when a client has left and the app is done', async () => {
    const server = launchText(app, sync)
    const url = await server.running()
    const leaving = get(`${url}/hold`).on('error', () => undefined)
    await server.says(/holding/)
    leaving.destroy()
    const waiting = ask(url, 5)
    const first = Promise.race([
      waiting.then(() => 'answered'),
      server.says(/done with \/hold/).then(() => 'done'),
    ])
    server.write('go', '')
    expect(await first).to.equal('done')
    expect(await waiting).to.have.length(5)
    expect(server.log).not.to.contain('an overlap')
  })

  it('goes on when the app drops a connection', async () => {
    const server = launchText(
      `export default (req, res) => req.url === '/' ? void res.end('ok') : void req.socket.destroy()`,
      sync,
    )
    const url = await server.running()
    expect(await exchange(`${url}`, `GET /drop HTTP/1.1\r\n${close}`).catch(() => '')).to.equal('')
    expect(await fresh(url)).to.equal('ok')
  })

  it('replaces a worker whose app goes on with a request after timeout, and loses no other', async () => {
    const never = `
      export default (req, res) => {
        if (req.url === '/') return void res.end(String(process.pid))
        console.log('going on')
        res.on('close', () => console.log('the client left'))
      }`
    const server = launchText(never, [...sync, '--timeout', '2'])
    const url = await server.running()
    const old = await fresh(url)
    const leaving = get(`${url}/never`).on('error', () => undefined)
    await server.says(/going on/)
    leaving.destroy()
    await server.says(/the client left/)
    expect(await fresh(url)).not.to.equal(old)
    expect(server.log).to.match(/GET \/never: its client left, and 2 s later .*: the worker is replaced/)

    const expired = await exchange(url, `GET /never HTTP/1.1\r\n${close}`)
    expect(statuses(expired)).to.deep.equal([503])
    await server.says(/GET \/never was not answered within timeout \(2 s\)/)
    await server.says(/exited with code 0: a request was not answered within timeout/)
    expect(Number(await fresh(url))).to.be.greaterThan(0)
  })

  it('is held by a client that sends half a head, until header_timeout', async () => {
    const server = launchText(app, [...sync, '--header-timeout', '1'])
    const url = await server.running()
    const slow = exchange(url, 'GET / HTTP/1.1\r\nHos')
    const silent = await open(url)
    const waiting = fresh(url)
    expect(statuses(await slow)).to.deep.equal([408])
    expect(await waiting).to.match(/ 1$/)
    await rest(silent)
  })

  it('is held by a WebSocket until it closes', async () => {
    const server = launchText(
      `
      import { createServer } from 'node:http'
      const server = createServer((req, res) => res.end(String(process.pid)))
      server.on('upgrade', (req, socket) => {
        socket.on('data', data => socket.write(String(process.pid))).on('end', () => socket.end())
        socket.write('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: echo\\r\\n\\r\\n')
      })
      export default server`,
      [...sync, '-w', '2'],
    )
    const url = await server.running()
    const socket = await open(url)
    socket.write('GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
    await once(socket, 'data')
    socket.write('who?')
    const [pid] = await once(socket, 'data')
    expect(await ask(url, 20)).not.to.include(String(pid))
    socket.destroy()
    await eventually('it serves again', async () => (await ask(url, 10)).includes(String(pid)))
  })

  it('refuses an app that speaks HTTP/2', async () => {
    const http2 = `import http2 from 'node:http2'\nexport default http2.createServer((req, res) => res.end('ok'))`
    const server = launchText(http2, sync, { errors: true })
    expect(await server.ended).to.have.property('code', 4)
    expect(server.log).to.contain(
      'worker_class "sync" has no HTTP/2, and the app serves with an http2.Server',
    )
  })
})
