/** Both logs sent to a syslog, over UDP, TCP and unix sockets, through outages and reloads. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { collectDatagrams, collectLines } from '../../support/collectors.ts'
import { fresh } from '../../support/requests.ts'
import { afterServers, eventually, freePort, launch, type Tsicorn } from '../../support/tsicorn.ts'

const files = { 'app.mjs': `export default (_req, res) => res.end('hello')` }

function launchTelling(address: string, args: readonly string[] = [], errors = false): Tsicorn {
  return launch({
    args: ['-b', '127.0.0.1:0', '--log-syslog', '--log-syslog-to', address, ...args].concat(
      ['--access-logformat', '%(m)s %(U)s %(s)s'],
      './app.mjs',
    ),
    files,
    errors,
  })
}

describe('syslog', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tsicorn-syslog-'))
    afterServers(() => rmSync(folder, { recursive: true, force: true }))
  })

  it('gets the lines of both logs over UDP, in the form that Gunicorn gives them', async () => {
    const syslog = await collectDatagrams()
    const server = launchTelling(`udp://127.0.0.1:${syslog.port}`, ['--name', 'shop:web'])
    const url = await server.running()
    const [worker] = server.workers
    await fresh(`${url}/a`)
    await server.stop()
    const started = await syslog.hears(/Starting tsicorn/)
    expect(started).to.match(
      new RegExp(`^<14>gunicorn\\.shop\\.web\\.error: \\[${server.pid}\\] Starting tsicorn \\S+$`),
    )
    expect(await syslog.hears(/access/)).to.equal(`<14>gunicorn.shop.web.access: [${worker}] GET /a 200`)
    await syslog.hears(/^<14>gunicorn\.shop\.web\.error: \[\d+\] Stopped$/)
    // The error log has the same lines.
    expect(syslog.heard.filter(text => text.includes('.error: '))).to.have.length(
      server.log.trim().split('\n').length,
    )
  })

  it('gets facility, severity and a name of its own; a stack stays one record', async () => {
    const syslog = await collectDatagrams()
    const server = launch({
      args: ['-b', '127.0.0.1:0', '--syslog', '--syslog-addr', `udp://127.0.0.1:${syslog.port}`].concat([
        '--syslog-facility',
        'local3',
        '--syslog-prefix',
        'mine',
        '--log-level',
        'warning',
        './app.mjs',
      ]),
      files: {
        ...files,
        'tsicorn.config.mjs': `export default { post_fork() { throw new Error('no fork') } }`,
      },
      errors: true,
    })
    await server.ended
    const record = await syslog.hears(/no fork/)
    expect(record).to.match(/^<15[45]>gunicorn\.mine\.error: \[\d+\] [^\n]*no fork#012 {4}at [^\n]*$/)
    expect(syslog.heard.filter(text => /Starting|Stopped/.test(text))).to.deep.equal([])
  })

  it('gets no line of the access log where that is kept out', async () => {
    const syslog = await collectDatagrams()
    const server = launchTelling(`udp://127.0.0.1:${syslog.port}`, [
      '--disable-redirect-access-to-syslog',
      '--access-logfile',
      'access.log',
    ])
    await fresh(`${await server.running()}/kept`)
    await server.stop()
    await syslog.hears(/Stopped$/)
    expect(syslog.heard.filter(text => text.includes('access'))).to.deep.equal([])
    expect(readFileSync(`${server.folder}/access.log`, 'utf8')).to.equal('GET /kept 200\n')
  })

  it('gets lines over TCP, and those that it missed when it comes back', async () => {
    const port = await freePort()
    const server = launchTelling(`tcp://127.0.0.1:${port}`, [], true)
    await fresh(`${await server.running()}/early`)
    await eventually('it says that nobody listens', () =>
      /\[ERROR\] Cannot send to syslog_addr "tcp:\S+": .*ECONNREFUSED.*: lines wait in memory/.test(
        server.log,
      ),
    )
    const syslog = await collectLines({ port, host: '127.0.0.1' })
    await syslog.hears(/\.error: \[\d+\] Starting tsicorn/)
    await syslog.hears(/\.access: \[\d+\] GET \/early 200$/)
    await server.says(/Sending to syslog_addr "tcp:\S+" works again: 0 lines were lost\n/)
    await server.stop()
    await syslog.hears(/\.error: \[\d+\] Stopped$/)
  })

  it('gets lines over a unix stream socket', async () => {
    const path = join(folder, 'log')
    const syslog = await collectLines({ path })
    const telling = launchTelling(`unix://${path}`)
    await fresh(`${await telling.running()}/unix`)
    await telling.stop()
    await syslog.hears(/\.access: \[\d+\] GET \/unix 200$/)
    await syslog.hears(/\.error: \[\d+\] Stopped$/)
  })

  it('is refused at start where its unix socket takes datagrams', async function () {
    const path = join(folder, 'log')
    const script = `import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
sys.stdin.read()`
    const holder = spawn('python3', ['-c', script, path], { stdio: ['pipe', 'pipe', 'inherit'] })
    const isThere = await Promise.race([
      once(holder.stdout, 'data').then(() => true),
      once(holder, 'error').then(() => false),
    ])
    if (!isThere) return this.skip()
    try {
      const telling = launchTelling(`unix://${path}`)
      expect((await telling.ended).code).to.equal(1)
      expect(telling.log).to.equal(
        `Cannot send to syslog_addr "unix://${path}": it takes datagrams, and Node.js has no unix datagram sockets: name a stream socket, or udp://HOST:PORT\n`,
      )
    } finally {
      holder.stdin.end()
      await once(holder, 'close')
    }
  })

  it('can be turned on and off by a reload', async () => {
    const syslog = await collectDatagrams()
    const config = (on: boolean) =>
      `export default { app: './app.mjs', bind: '127.0.0.1:0', syslog: ${on}, syslog_addr: 'udp://127.0.0.1:${syslog.port}' }`
    const server = launch({ files: { ...files, 'tsicorn.config.mjs': config(false) } })
    const url = await server.running()
    await fresh(`${url}/unheard`)
    server.write('tsicorn.config.mjs', config(true))
    await server.reload()
    await fresh(`${url}/heard`)
    await syslog.hears(/"GET \/heard /)
    server.write('tsicorn.config.mjs', config(false))
    await server.reload()
    await fresh(`${url}/unheard`)
    await server.stop()
    expect(syslog.heard.filter(text => /unheard|Stopped/.test(text))).to.deep.equal([])
  })

  const refused: Readonly<Record<string, string>> = {
    'unix:///dev/log#dgram':
      'takes datagrams, and Node.js has no unix datagram sockets: name a stream socket, or udp://HOST:PORT',
    'localhost:514': 'must be unix:///PATH, udp://HOST:PORT or tcp://HOST:PORT',
    'udp://localhost:99999': 'must be unix:///PATH, udp://HOST:PORT or tcp://HOST:PORT',
  }
  for (const [address, words] of Object.entries(refused)) {
    it(`cannot be at ${address}`, async () => {
      const server = launchTelling(address)
      expect((await server.ended).code).to.equal(1)
      expect(server.log).to.equal(`--log-syslog-to: syslog_addr "${address}" ${words}\n`)
    })
  }
})
