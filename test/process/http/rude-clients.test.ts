/** Clients that reset, upgrade in vain or send too much end no worker, and are taken for nobody else. */
import { once } from 'node:events'
import { expect } from 'chai'
import { exchange, first, open, rest, statuses } from '../../support/http/raw.ts'
import { launch, type Tsicorn } from '../../support/tsicorn.ts'

/** Says what it is shown, and leaves upgrades to whoever asks for one by the name echo. */
const app = `
import { createServer } from 'node:http'
const server = createServer((req, res) => {
  const { socket, headers } = req
  console.log('ran ' + JSON.stringify({ path: req.url, encrypted: socket.encrypted === true, user: headers.remote_user, id: headers['x-id'] }))
  if (req.url === '/slow') setTimeout(() => res.end('slow\\n'), 500)
  else res.end('answer\\n')
})
server.on('upgrade', (req, socket) => {
  if (req.url === '/no') return socket.end('HTTP/1.1 401 Unauthorized\\r\\nContent-Length: 0\\r\\n\\r\\n')
  socket.end('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: echo\\r\\n\\r\\nid ' + req.headers['x-id'])
})
export default server
`
const listener = `export default (req, res) => res.end('answer\\n')`

function serve(args: readonly string[], text = app): Tsicorn {
  return launch({ args: ['-b', '127.0.0.1:0', '-w', '1', ...args, './app.mjs'], files: { 'app.mjs': text } })
}

const host = 'Host: test\r\n'
const close = `${host}Connection: close\r\n`
const get = `GET / HTTP/1.1\r\n${close}\r\n`
const upgrade = (path: string, fields = host) =>
  `GET ${path} HTTP/1.1\r\n${fields}Connection: Upgrade\r\nUpgrade: echo\r\n\r\n`

/** Sends these bytes and breaks the connection, so that the server meets an error. */
async function reset(url: string, bytes: string): Promise<void> {
  const socket = await open(url)
  await new Promise<void>(resolve => socket.write(bytes, () => resolve()))
  socket.resetAndDestroy()
}

describe('a client that resets its connection', () => {
  const sends: Readonly<Record<string, string>> = {
    CONNECT: `CONNECT test:1 HTTP/1.1\r\n${host}\r\n`,
    'a refused upgrade': upgrade('/', host + host),
    'an upgrade behind a refused request': `GET * HTTP/1.1\r\n${host}\r\n${upgrade('/')}`,
    'an upgrade': upgrade('/'),
    'a request': get,
  }
  for (const text of [app, listener]) {
    it(`ends no worker with ${text === app ? 'a server of its own' : 'a listener'}, whatever it has sent`, async () => {
      const server = serve([], text)
      const url = await server.running()
      for (const bytes of Object.values(sends)) for (let n = 0; n < 3; n += 1) await reset(url, bytes)
      expect(statuses(await exchange(url, get))).to.deep.equal([200])
      expect(server.log).not.to.contain('exited')
    })
  }

  const lies = `POST /pay HTTP/1.1\r\n${host}X-Forwarded-Proto: https\r\nREMOTE_USER: admin\r\nX-Id: forged\r\nContent-Length: 0\r\n\r\n`

  it('is not taken for one on a unix socket, whose word counts', async () => {
    const server = serve([
      ...['--forwarded-allow-ips', '192.0.2.1', '--forwarder-headers', 'REMOTE_USER'],
      ...['--request-id-header', 'X-Id'],
    ])
    const url = await server.running()
    for (let n = 0; n < 5; n += 1) await reset(url, lies)
    await exchange(url, get)
    await server.says(/ran .*"\/"/)
    const ran = server.log.match(/ran .*"\/pay".*/g) ?? []
    expect(ran.filter(line => /admin|forged|"encrypted":true/.test(line))).to.deep.equal([])
  })

  it('cannot say with a PROXY header that it is somebody else', async () => {
    const server = serve(['--proxy-protocol', 'required', '--proxy-allow-ips', '192.0.2.1'])
    const url = await server.running()
    for (let n = 0; n < 5; n += 1) await reset(url, `PROXY TCP4 127.0.0.1 127.0.0.1 5 6\r\n${lies}`)
    expect(statuses(await exchange(url, `PROXY TCP4 127.0.0.1 127.0.0.1 5 6\r\n${get}`))).to.deep.equal([403])
    expect(server.log).not.to.contain('ran ')
  })
})

describe('CONNECT and upgrades', () => {
  it('that are refused have a line in both logs, and their turn', async () => {
    const server = serve(['--access-logfile', '-', '--access-logformat', '%(r)s %(s)s'])
    const url = await server.running()
    const slow = `GET /slow HTTP/1.1\r\n${host}\r\n`
    const connect = `CONNECT test:1 HTTP/1.1\r\n${host}\r\n`
    expect(statuses(await exchange(url, slow + connect))).to.deep.equal([200, 501])
    await server.says(/Refused a request of 127.0.0.1 with 501: CONNECT is not supported/)
    expect(statuses(await exchange(url, slow + upgrade('/', host + host)))).to.deep.equal([200, 400])
    await server.says(/Refused a request of 127.0.0.1 with 400: several Host fields/)
    expect(statuses(await exchange(url, upgrade('/no')))).to.deep.equal([401])
    await server.stop()
    expect(server.log).to.contain('CONNECT test:1 HTTP/1.1 501').and.to.contain('GET / HTTP/1.1 400')
    expect(server.log).to.contain('GET /no HTTP/1.1 401')
  })

  it('count once where several listen, and have their turn also where connections end', async () => {
    const twice = app.replace(
      'export default',
      `server.on('upgrade', () => console.log('heard')) \n export default`,
    )
    const server = serve(
      ['--keep-alive', '0', '--access-logfile', '-', '--access-logformat', '%(r)s %(s)s'],
      twice,
    )
    const url = await server.running()
    expect(statuses(await exchange(url, upgrade('/')))).to.deep.equal([101])
    await server.says(/heard/)
    expect(statuses(await exchange(url, upgrade('/', host + host)))).to.deep.equal([400])
    // The first answer is the last one of its connection.
    expect(statuses(await exchange(url, `GET / HTTP/1.1\r\n${host}\r\n${upgrade('/')}`))).to.deep.equal([200])
    await server.stop()
    expect(server.log.match(/GET \/ HTTP\/1.1 101/g)).to.have.length(1)
    expect(server.log.match(/with 400: several Host fields/g)).to.have.length(1)
  })

  it('have ids, and strangers cannot choose them', async () => {
    const server = serve(['--request-id-header', 'X-Id', '--forwarded-allow-ips', '192.0.2.1'])
    const url = await server.running()
    for (const fields of ['', 'X-Id: forged\r\n'])
      expect(await exchange(url, upgrade('/', host + fields))).to.match(/id [\da-f-]{36}$/)
    const answer = await exchange(url, `GET / HTTP/1.1\r\n${close}X-Id: forged\r\nExpect: wonders\r\n\r\n`)
    expect(statuses(answer)).to.deep.equal([417])
    expect(answer).to.match(/^X-Id: [\da-f-]{36}\r$/im)
  })
})

describe('keepalive = 0', () => {
  for (const text of [app, listener]) {
    it(`ends each connection after its answers with ${text === app ? 'a server of its own' : 'a listener'}`, async () => {
      const url = await serve(['--keep-alive', '0'], text).running()
      const one = `GET / HTTP/1.1\r\n${host}\r\n`
      expect(statuses(await exchange(url, one))).to.deep.equal([200])
      expect(statuses(await exchange(url, one + one + one))).to.deep.equal([200, 200, 200])
    })
  }
})

describe('an empty line behind a request', () => {
  it('does not hold up a worker that leaves', async () => {
    const server = serve(['--graceful-timeout', '60'], listener)
    const socket = await open(await server.running())
    socket.write(`GET / HTTP/1.1\r\n${host}\r\n`)
    expect(statuses(await first(socket))).to.deep.equal([200])
    socket.write('\r\n')
    server.signal('SIGTERM')
    await once(socket, 'end')
    socket.destroy()
    expect(server.log).not.to.contain('graceful_timeout')
  })
})

describe('a body that is too large behind a slow answer', () => {
  it('is refused when that answer is sent', async () => {
    const url = await serve(['--limit-request-body', '10']).running()
    const large = `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n20\r\n${'x'.repeat(32)}\r\n0\r\n\r\n`
    const socket = await open(url)
    socket.write(`GET /slow HTTP/1.1\r\n${host}\r\n${large}`)
    const answers = await rest(socket)
    expect(statuses(answers)[0]).to.equal(200)
    expect(answers).to.contain('slow\n')
  })
})
