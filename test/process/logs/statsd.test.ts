/** Which metrics statsd gets, and that one that is not there costs no request. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { expect } from 'chai'
import { type Collector, collectDatagrams } from '../../support/collectors.ts'
import { fresh } from '../../support/requests.ts'
import { eventually, freePort, launch, type Tsicorn } from '../../support/tsicorn.ts'

const app = `export default (req, res) => res.writeHead(req.url === '/no' ? 404 : 200).end('hello')`

function launchMeasured(statsd: Collector | number, args: readonly string[] = [], errors = false): Tsicorn {
  const port = typeof statsd === 'number' ? statsd : statsd.port
  return launch({
    args: ['-b', '127.0.0.1:0', '--statsd-host', `127.0.0.1:${port}`, ...args, './app.mjs'],
    files: { 'app.mjs': app },
    errors,
  })
}

function metricsOf({ heard }: Collector): string[] {
  return heard.flatMap(datagram => datagram.split('\n'))
}

/** Counts are summed up while they wait to be sent. */
function countOf(metrics: readonly string[], name: string): number {
  const counts = metrics.map(metric =>
    metric.startsWith(`${name}:`) ? /:(\d+)\|c\|@1\.0$/.exec(metric) : null,
  )
  return counts.reduce((total, found) => total + Number(found?.[1] ?? 0), 0)
}

describe('statsd', () => {
  it('gets what Gunicorn measures, the last of it when the server stops', async () => {
    const statsd = await collectDatagrams()
    const server = launchMeasured(statsd, ['-w', '2'])
    const url = await server.running()
    for (const path of ['/a', '/b', '/no']) await fresh(url + path)
    await server.stop()
    await statsd.hears(/^gunicorn\.workers:0\|g$/m)
    const metrics = metricsOf(statsd)
    expect(countOf(metrics, 'gunicorn.requests')).to.equal(3)
    expect(countOf(metrics, 'gunicorn.request.status.200')).to.equal(2)
    expect(countOf(metrics, 'gunicorn.request.status.404')).to.equal(1)
    expect(
      metrics.filter(metric => /^gunicorn\.request\.duration:\d+(\.\d{1,3})?\|ms$/.test(metric)),
    ).to.have.length(3)
    const workers = metrics.filter(metric => metric.startsWith('gunicorn.workers:'))
    expect(workers).to.include('gunicorn.workers:2|g')
    expect(workers.at(-1)).to.equal('gunicorn.workers:0|g')
  })

  it('gets prefix and tags with each of them', async () => {
    const statsd = await collectDatagrams()
    const server = launchMeasured(statsd, ['--statsd-prefix', 'shop', '--dogstatsd-tags', 'a:1,b'])
    await fresh(await server.running())
    await server.stop()
    await statsd.hears(/^shop\.gunicorn\.workers:0\|g\|#a:1,b$/m)
    expect(metricsOf(statsd)).to.include('shop.gunicorn.requests:1|c|@1.0|#a:1,b')
    expect(metricsOf(statsd).filter(metric => !/^shop\.gunicorn\..*\|#a:1,b$/.test(metric))).to.deep.equal([])
  })

  it('counts grave lines of the log, and no request that could not be understood', async () => {
    const statsd = await collectDatagrams()
    const server = launchMeasured(statsd, [], true)
    const client = connect(Number(new URL(await server.running()).port), '127.0.0.1')
    client.write('nonsense\r\n\r\n')
    client.resume()
    await once(client, 'close')
    process.kill(server.workers[0] as number, 'SIGKILL')
    await statsd.hears(/^gunicorn\.log\.error:\d+\|c\|@1\.0$/m)
    await server.stop()
    await statsd.hears(/^gunicorn\.workers:0\|g$/m)
    expect(metricsOf(statsd).filter(metric => metric.startsWith('gunicorn.request'))).to.deep.equal([])
  })

  it('gets how many connections wait', async () => {
    const statsd = await collectDatagrams()
    const server = launchMeasured(statsd, ['--enable-backlog-metric'])
    const port = Number(new URL(await server.running()).port)
    const [worker] = server.workers as [number]
    await statsd.hears(/^gunicorn\.backlog:0\|h$/m)
    process.kill(worker, 'SIGSTOP')
    const clients = Array.from({ length: 3 }, () => connect(port, '127.0.0.1'))
    await statsd.hears(/^gunicorn\.backlog:3\|h$/m)
    for (const client of clients) client.destroy()
    process.kill(worker, 'SIGCONT')
  })

  it('may be absent: that is said once, and costs no request', async () => {
    const server = launchMeasured(await freePort(), ['-w', '1'], true)
    const url = await server.running()
    const trouble =
      /ERROR\] Cannot send to statsd_host "127\.0\.0\.1:\d+": .*: what is sent meanwhile is lost\n/
    await eventually('it says so', () => trouble.test(server.log))
    for (let n = 0; n < 5; n += 1) expect(await fresh(`${url}/${n}`)).to.equal('hello')
    await server.stop()
    const said = Array.from(server.log.matchAll(/\[(\d+)\] \[ERROR\] Cannot send/g), ([, pid]) => pid)
    expect(new Set(said).size).to.equal(said.length)
  })

  it('changes with a reload', async () => {
    const [first, second] = [await collectDatagrams(), await collectDatagrams()]
    const config = ({ port }: Collector) =>
      `export default { app: './app.mjs', bind: '127.0.0.1:0', statsd_host: '127.0.0.1:${port}' }`
    const server = launch({ files: { 'app.mjs': app, 'tsicorn.config.mjs': config(first) } })
    const url = await server.running()
    await first.hears(/^gunicorn\.workers:1\|g$/m)
    server.write('tsicorn.config.mjs', config(second))
    await server.reload()
    await fresh(url)
    await second.hears(/^gunicorn\.requests:1\|c\|@1\.0$/m)
    await second.hears(/^gunicorn\.workers:1\|g$/m)
    expect(metricsOf(first)).not.to.include('gunicorn.requests:1|c|@1.0')
  })

  const refused: Readonly<Record<string, string>> = {
    'unix:///run/statsd.sock': 'takes datagrams, and Node.js has no unix datagram sockets: name HOST:PORT',
    'http://localhost': 'is not an address: write HOST:PORT',
    'localhost:0': 'is not an address: write HOST:PORT',
  }
  for (const [address, words] of Object.entries(refused)) {
    it(`cannot be ${address}`, async () => {
      const server = launch({ args: ['--statsd-host', address, './app.mjs'] })
      expect((await server.ended).code).to.equal(1)
      expect(server.log).to.equal(`--statsd-host: statsd_host "${address}" ${words}\n`)
    })
  }
})
