/** Metrics and health of real servers. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, renameSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { exchange, statuses } from '../../support/http/raw.ts'
import { eventually, freePort, launch, launchApp, launchText, makeFolder } from '../../support/tsicorn.ts'
import { control } from '../../support/tsicornc.ts'
import { retire, upgrade } from '../../support/upgrading.ts'

const app = `export default (req, res) => {
  if (req.url === '/hang') for (;;);
  if (req.url === '/exit') process.exit(1)
  res.end('hello')
}`

interface Got {
  readonly status: number | undefined
  readonly type: string | undefined
  readonly text: string
}

async function get(target: http.RequestOptions | string, headers: Record<string, string> = {}): Promise<Got> {
  const options =
    typeof target === 'string'
      ? { ...urlOptions(target), headers, agent: false }
      : { ...target, agent: false }
  return await new Promise((resolve, reject) => {
    http
      .get(options, res => {
        let text = ''
        res.setEncoding('utf8').on('data', piece => {
          text += piece
        })
        res.once('end', () => resolve({ status: res.statusCode, type: res.headers['content-type'], text }))
        res.once('error', reject)
      })
      .once('error', reject)
  })
}

function urlOptions(text: string): http.RequestOptions {
  const { hostname, port, pathname } = new URL(text)
  return { hostname, port, path: pathname }
}

/** All samples that only grow. */
function counters(text: string): Map<string, number> {
  const lines = text
    .split('\n')
    .filter(line => /^tsicorn_\S*_total|^http_server_request_duration_seconds_/.test(line))
  return new Map(
    lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

describe('metrics', () => {
  it('never go back over a crash, a reload and an upgrade', async () => {
    const port = await freePort()
    const server = launchText(app, ['-w', '2', '--metrics-bind', `127.0.0.1:${port}`], { errors: true })
    const url = await server.running()
    const metrics = `http://127.0.0.1:${port}/metrics`
    let before = new Map<string, number>()
    const look = async () => {
      const now = counters((await get(metrics)).text)
      for (const [name, value] of before) expect(now.get(name), name).to.be.at.least(value)
      before = now
      return now
    }
    const served = async (wanted: number) =>
      await eventually(`${wanted} are counted`, async () => {
        return (await look()).get('tsicorn_responses_total{class="2xx"}') === wanted
      })
    for (let asked = 0; asked < 10; asked += 1) await get(url)
    await served(10)
    expect(statuses(await exchange(url, 'GET / HTTP/1.1\r\n\r\n'))).to.deep.equal([400])
    await eventually('a refusal is counted', async () => {
      return (await look()).get('tsicorn_refused_requests_total') === 1
    })
    await get(`${url}/exit`).catch(() => undefined)
    await eventually('the exit is counted', async () => {
      return (await look()).get('tsicorn_workers_ended_total{kind="crash"}') === 1
    })
    expect((await control(server, 'reload')).code).to.equal(0)
    await get(url)
    await served(11)
    expect(before.get('tsicorn_reloads_total{outcome="succeeded"}')).to.equal(1)
    expect((await control(server, 'upgrade', '--bake', '0')).code).to.equal(0)
    await server.says(/Promoted/)
    await eventually(
      'the new arbiter has the address',
      async () => (await get(metrics).catch(() => undefined))?.status === 200,
    )
    await get(url)
    await served(12)
  })

  it('go on where the old arbiter of an upgrade is killed', async () => {
    const port = await freePort()
    const server = launchText(app, ['-w', '1', '--metrics-bind', `127.0.0.1:${port}`])
    const url = await server.running()
    const metrics = `http://127.0.0.1:${port}/metrics`
    for (let asked = 0; asked < 10; asked += 1) await get(url)
    const responses = async () =>
      counters((await get(metrics)).text).get('tsicorn_responses_total{class="2xx"}')
    await eventually('10 are counted', async () => (await responses()) === 10)
    await upgrade(server)
    await retire(server, server.pid, 'SIGKILL')
    await eventually('the new one has all of them', async () => (await responses().catch(() => 0)) === 10)
  })

  it('are valid for Prometheus', async function () {
    if (spawnSync('promtool', ['--version']).error !== undefined) this.skip()
    const port = await freePort()
    const server = launchApp('hello.ts', ['--metrics-bind', `127.0.0.1:${port}`])
    const url = await server.running()
    await get(url)
    await control(server, 'reload')
    const { text, type } = await get(`http://127.0.0.1:${port}/metrics`)
    expect(type).to.equal('text/plain; version=0.0.4; charset=utf-8')
    const { status, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' })
  })

  it('are OpenMetrics for those who ask for it, on a unix socket as well', async () => {
    const folder = makeFolder({ 'app.mjs': app })
    const server = launch({
      folder,
      args: ['-b', '127.0.0.1:0', '--metrics-bind', 'unix:metrics.sock', './app.mjs'],
    })
    await server.running()
    const socketPath = join(folder, 'metrics.sock')
    const { text, type } = await get({
      socketPath,
      path: '/metrics',
      headers: { accept: 'application/openmetrics-text' },
    })
    expect(type).to.match(/^application\/openmetrics-text; version=1.0.0/)
    expect(text).to.match(/# EOF\n$/)
    expect((await get({ socketPath, path: '/elsewhere' })).status).to.equal(404)
    expect((await get({ socketPath, path: '/metrics', method: 'POST' })).status).to.equal(405)
  })

  it('leave a file alone that somebody has put in the place of their socket', async () => {
    const folder = makeFolder({ 'app.mjs': app, foreign: 'of somebody else' })
    const server = launch({
      folder,
      args: ['-b', '127.0.0.1:0', '--metrics-bind', 'unix:metrics.sock', './app.mjs'],
    })
    await server.running()
    const socketPath = join(folder, 'metrics.sock')
    renameSync(join(folder, 'foreign'), socketPath)
    await server.stop()
    expect(readFileSync(socketPath, 'utf8')).to.equal('of somebody else')
  })

  it('say who else has the address, and the server does not start', async () => {
    const port = await freePort()
    const other = net.createServer().listen(port, '127.0.0.1')
    const server = launchApp('hello.ts', ['--metrics-bind', `127.0.0.1:${port}`])
    expect((await server.ended).code).to.equal(1)
    other.close()
    expect(server.log).to.include(
      `Cannot bind metrics_bind 127.0.0.1:${port}: the address is in use: choose another address\n`,
    )
  })

  it('answer one request after another, and hang up on a client that does not wait', async () => {
    const port = await freePort()
    const server = launchApp('hello.ts', ['--metrics-bind', `127.0.0.1:${port}`])
    await server.running()
    const request = 'GET /-/live HTTP/1.1\r\nHost: x\r\n\r\n'
    const socket = net.connect(port, '127.0.0.1').setEncoding('latin1')
    for (let asked = 0; asked < 3; asked += 1) {
      socket.write(request)
      const [answer] = await once(socket, 'data')
      expect(answer).to.match(/^HTTP\/1\.1 200 OK/)
    }
    socket.write(request.repeat(1_000))
    const rest = (await socket.toArray().catch(() => [])).join('')
    expect(statuses(rest).length).to.be.below(2)
  })

  it('are served again when clients that read nothing, and many that say nothing, have had their time', async () => {
    const port = await freePort()
    const server = launchApp('hello.ts', ['--metrics-bind', `127.0.0.1:${port}`])
    await server.running()
    const idle = Array.from({ length: 300 }, (_, at) => {
      const socket = net
        .connect(port, '127.0.0.1')
        .pause()
        .on('error', () => undefined)
      if (at % 2 === 0) socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(200))
      return socket
    })
    await eventually('metrics are served', async () => {
      return (await get(`http://127.0.0.1:${port}/metrics`).catch(() => undefined))?.status === 200
    })
    for (const socket of idle) socket.destroy()
  })
})

describe('health checks', () => {
  it('get through although others connect in great numbers and ask for nothing', async () => {
    const port = await freePort()
    const server = launchApp('hello.ts', ['--metrics-bind', `127.0.0.1:${port}`])
    await server.running()
    const open = async (at: number) => {
      const socket = net.connect(port, '127.0.0.1').on('error', () => undefined)
      await once(socket, 'connect')
      if (at % 2 === 0) socket.write('GET /-/live HTTP/1.1\r\nX-')
      return socket
    }
    const sockets = await Promise.all(Array.from({ length: 60 }, (_, at) => open(at)))
    for (let asked = 0; asked < 5; asked += 1)
      expect((await get(`http://127.0.0.1:${port}/-/live`)).status).to.equal(200)
    for (const socket of sockets) socket.destroy()
  })

  it('tell the start, readiness, and the announced stop', async () => {
    const port = await freePort()
    const server = launchText(
      `import { existsSync } from 'node:fs'
          while (!existsSync('go')) await new Promise(resolve => setTimeout(resolve, 20))
          ${app}`,
      ['--metrics-bind', `127.0.0.1:${port}`, '--drain-delay', '2'],
    )
    await server.says(/Booting worker 1/)
    const states = async () =>
      await Promise.all(
        ['live', 'startup', 'ready'].map(
          async name => (await get(`http://127.0.0.1:${port}/-/${name}`)).status,
        ),
      )
    expect(await states()).to.deep.equal([200, 503, 503])
    server.write('go', '')
    await server.running()
    expect(await states()).to.deep.equal([200, 200, 200])
    server.signal('SIGTERM')
    await server.says(/Stopping/)
    expect(await states()).to.deep.equal([200, 200, 503])
    await server.ended
  })

  it('are answered while all workers are stuck', async () => {
    const port = await freePort()
    const server = launchText(app, ['--metrics-bind', `127.0.0.1:${port}`, '--timeout', '4'], {
      errors: true,
    })
    const url = await server.running()
    const stuck = get(`${url}/hang`).catch(() => undefined)
    expect((await get(`http://127.0.0.1:${port}/-/live`)).status).to.equal(200)
    expect((await get(`http://127.0.0.1:${port}/metrics`)).text).to.match(
      /tsicorn_workers\{state="ready"\} 1/,
    )
    await server.says(/WORKER TIMEOUT/)
    await stuck
  })
})
