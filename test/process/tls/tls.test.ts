/** HTTPS: its settings and mistakes in them, renewed certificates, resumed sessions, and servers of the app. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { get } from 'node:https'
import { connect as connectPlain } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { expect } from 'chai'
import { Authority, hasOpenssl, type Pair } from '../../support/certificates.ts'
import { Load } from '../../support/http/load.ts'
import { eventually, type LaunchOptions, launch, type Tsicorn } from '../../support/tsicorn.ts'

const app = `
export default (req, res) => {
  if (req.url === '/slow') return void setTimeout(() => res.end('late'), 1500)
  const { subject } = req.socket.getPeerCertificate() ?? {}
  res.end([process.pid, req.socket.encrypted, subject?.CN ?? 'nobody'].join(' '))
}`

describe('TLS', function () {
  this.timeout(240_000)
  let authority: Authority
  let first: Pair
  let second: Pair
  let client: Pair
  let stranger: Pair

  before(function () {
    if (!hasOpenssl) {
      process.stderr.write('Skipping TLS: there is no openssl to make certificates with\n')
      this.skip()
    }
    authority = new Authority()
    first = authority.sign('first')
    second = authority.sign('second')
    client = authority.sign('client')
    const other = new Authority()
    stranger = other.sign('stranger')
    other.remove()
  })
  after(() => authority?.remove())

  function serve(args: readonly string[] = [], options: LaunchOptions = {}): Tsicorn {
    const { files, ...rest } = options
    return launch({
      ...rest,
      args: ['-b', '127.0.0.1:0', '-w', '1', '--certfile', 'cert.pem', ...args, './app.mjs'],
      files: {
        'app.mjs': app,
        'cert.pem': first.cert,
        'key.pem': first.key,
        'ca.pem': authority.cert,
        ...files,
      },
    })
  }

  const withKey = ['--keyfile', 'key.pem']

  it('serves HTTPS, says so in the log, and shows it to the app', async () => {
    const server = serve([
      ...withKey,
      '--access-logfile',
      '-',
      '--access-logformat',
      'line %(h)s %(H)s %(s)s',
    ])
    const url = await server.running()
    expect(url).to.match(/^https:\/\/127\.0\.0\.1:\d+$/)
    expect(await ask(url)).to.match(/^\d+ true nobody$/)
    await server.says(/line 127\.0\.0\.1 HTTP\/1\.1 200/)
  })

  it('begins and ends with a reload, and the log says where', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-w', '1', './app.mjs'],
      files: { 'app.mjs': app, 'both.pem': first.cert + first.key },
    })
    const plain = await server.running()
    const settings = JSON.stringify({ certfile: 'both.pem' })
    server.write('tsicorn.config.mjs', `export default ${settings}`)
    server.signal('SIGHUP')
    const [, secure] = await server.says(/Listening at: (https:\S+)/)
    await server.says(/Reload 1: generation 2 serves/)
    expect(secure).to.equal(plain.replace('http:', 'https:'))
    expect(await ask(secure as string)).to.contain('true')
  })

  it('finds the key in the file of the certificate', async () => {
    const server = serve([], { files: { 'cert.pem': first.cert + first.key } })
    expect(await ask(await server.running())).to.contain('true')
  })

  it('serves unix sockets and further addresses as well', async () => {
    const server = serve([...withKey, '-b', '127.0.0.1:0', '-b', 'unix:app.sock'])
    await server.running()
    const path = `${server.folder}/app.sock`
    const socket = connect({ path, ca: authority.cert, servername: 'localhost' })
    await once(socket, 'secureConnect')
    socket.end('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    expect((await socket.setEncoding('utf8').toArray()).join('')).to.contain('true nobody')
    expect(server.log.match(/Listening at: (https:|unix:)/g)).to.have.length(2)
  })

  it('answers openssl s_client', async () => {
    const server = serve(withKey)
    const { host } = new URL(await server.running())
    const args = ['s_client', '-connect', host, '-CAfile', 'ca.pem', '-verify_return_error', '-quiet']
    const { stdout } = spawnSync('openssl', args, {
      cwd: server.folder,
      input: 'GET / HTTP/1.0\r\n\r\n',
      encoding: 'utf8',
    })
    expect(stdout).to.match(/^HTTP\/1\.1 200 OK\r\n[\s\S]*true nobody$/)
  })

  it('lets a plain client and a silent one go without harm', async () => {
    const server = serve([...withKey, '--log-level', 'debug'])
    const { hostname, port } = new URL(await server.running())
    const plain = connectPlain(Number(port), hostname).on('error', () => undefined)
    plain.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await server.says(/A TLS handshake failed \(127\.0\.0\.1\)/)
    const silent = connectPlain(Number(port), hostname).on('error', () => undefined)
    await once(silent, 'connect')
    expect(await ask(server.url)).to.contain('true')
    server.signal('SIGTERM')
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
    expect(server.log).not.to.match(/cutting/)
    plain.destroy()
    silent.destroy()
  })

  describe('settings', () => {
    for (const [version, protocol] of [
      ['TLSv1.2', 'TLSv1.2'],
      ['TLSv1.3', 'TLSv1.3'],
      ['TLSv1.2-TLSv1.3', 'TLSv1.3'],
    ] as const) {
      it(`ssl_version ${version} speaks ${protocol}`, async () => {
        const server = serve([...withKey, '--ssl-version', version])
        await server.running()
        expect((await open(server.url)).getProtocol()).to.equal(protocol)
        if (version !== 'TLSv1.3') return
        const refused = await open(server.url, { maxVersion: 'TLSv1.2' }).catch((error: Error) => error)
        expect(refused).to.be.an('error')
      })
    }

    it('ciphers are those of TLS 1.2, and leave TLS 1.3 as it is', async () => {
      const server = serve([...withKey, '--ciphers', 'ECDHE-ECDSA-AES128-GCM-SHA256'])
      await server.running()
      const old = await open(server.url, { maxVersion: 'TLSv1.2' })
      expect(old.getCipher().name).to.equal('ECDHE-ECDSA-AES128-GCM-SHA256')
      expect((await open(server.url)).getProtocol()).to.equal('TLSv1.3')
    })

    const certificates = { none: undefined, good: () => client, strange: () => stranger } as const
    const outcomes = {
      0: { none: 'nobody', good: 'nobody', strange: 'nobody' },
      1: { none: 'nobody', good: 'client', strange: undefined },
      2: { none: undefined, good: 'client', strange: undefined },
    } as const
    for (const [reqs, expected] of Object.entries(outcomes)) {
      it(`cert_reqs ${reqs} takes ${Object.keys(expected).filter(key => expected[key as 'none'] !== undefined)}`, async () => {
        const server = serve([...withKey, '--cert-reqs', reqs, '--ca-certs', 'ca.pem'])
        await server.running()
        for (const [kind, make] of Object.entries(certificates)) {
          const answer = await ask(server.url, make?.()).catch(() => undefined)
          expect(answer?.split(' ')[2], kind).to.equal(expected[kind as 'none'])
        }
      })
    }
  })

  describe('a mistake', () => {
    it('is named with its cure when the server starts, and by --check-config', async () => {
      const args = ['--keyfile', 'other.pem']
      const message =
        /keyfile "other\.pem" is not the key of the certificate in certfile "cert\.pem": give the key/
      const files = { 'other.pem': second.key }
      const server = serve(args, { errors: true, files })
      expect(await server.ended).to.deep.equal({ code: 1, signal: null })
      expect(server.log).to.match(message)
      expect(server.log).not.to.match(/Booting/)
      const check = serve(['--check-config', ...args], { files })
      expect((await check.ended).code).to.equal(1)
      expect(check.log).to.match(message)
    })

    it('in a reload leaves the old workers and the old certificate', async () => {
      const server = serve(withKey, { errors: true })
      await server.running()
      const before = server.workers
      server.write('key.pem', second.key)
      server.signal('SIGHUP')
      await server.says(/Reload 1 failed: generation 1 keeps serving: keyfile "key\.pem" is not the key/)
      expect(server.workers).to.deep.equal(before)
      expect(await subjectOf(await open(server.url))).to.equal('first')
    })
  })

  describe('a renewed certificate', () => {
    it('is served to new connections, while an old one goes on, without a reload', async () => {
      const server = serve([...withKey, '-w', '2'])
      await server.running()
      const workers = server.workers
      const old = await open(server.url)
      server.write('cert.pem', second.cert)
      server.write('key.pem', second.key)
      await server.says(/Certificate renewed: cert\.pem/)
      await eventually('all workers serve with it', async () => {
        const subjects = await Promise.all(
          Array.from({ length: 8 }, async () => subjectOf(await open(server.url))),
        )
        return subjects.every(subject => subject === 'second')
      })
      expect(await subjectOf(old)).to.equal('first')
      old.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
      const [answer] = (await once(old.setEncoding('utf8'), 'data')) as [string]
      expect(answer).to.match(/^HTTP\/1\.1 200/)
      expect(server.workers).to.deep.equal(workers)
    })

    it('that does not fit is named, and the old one stays until the rest has come', async () => {
      const server = serve(withKey, { errors: true })
      await server.running()
      server.write('cert.pem', second.cert)
      await server.says(
        /The certificate cannot be renewed, the old one stays: keyfile "key\.pem" is not the key/,
      )
      expect(await subjectOf(await open(server.url))).to.equal('first')
      server.write('key.pem', second.key)
      await server.says(/Certificate renewed/)
      await eventually('it is served', async () => (await subjectOf(await open(server.url))) === 'second')
    })

    it('that does not fit is not given to a hook either, and new workers start with the old one', async () => {
      const server = serve(withKey, {
        errors: true,
        files: {
          'tsicorn.config.mjs': `export default { ssl_context: (settings, defaultContext) => defaultContext() }`,
        },
      })
      await server.running()
      server.write('cert.pem', second.cert)
      await server.says(
        /The certificate cannot be renewed, the old one stays: keyfile "key\.pem" is not the key/,
      )
      const [worker] = server.workers
      process.kill(worker as number, 'SIGKILL')
      await eventually('a new worker serves with the old one', async () => {
        const isNew = server.workers.length === 1 && server.workers[0] !== worker
        return isNew && (await subjectOf(await open(server.url))) === 'first'
      })
    })

    it('that the hook of a worker refuses is not called renewed', async () => {
      const server = serve(withKey, {
        errors: true,
        files: {
          'tsicorn.config.mjs': `let calls = 0
            export default { ssl_context: (settings, defaultContext) => (calls++ === 0 ? defaultContext() : 'none') }`,
        },
      })
      await server.running()
      server.write('cert.pem', second.cert)
      server.write('key.pem', second.key)
      await server.says(/Certificate changed, each worker calls ssl_context: cert\.pem/)
      await server.says(/The old certificate stays: The hook ssl_context returned none/)
      expect(await subjectOf(await open(server.url))).to.equal('first')
      expect(server.log).not.to.match(/renewed/)
    })

    it('is taken also where a reload at the same time fails', async () => {
      const server = serve(withKey, { errors: true })
      await server.running()
      server.write('app.mjs', 'this is no program')
      server.write('cert.pem', second.cert)
      server.write('key.pem', second.key)
      server.signal('SIGHUP')
      await server.says(/Reload 1 failed/)
      await server.says(/Certificate renewed/)
      await eventually('it is served', async () => (await subjectOf(await open(server.url))) === 'second')
    })

    it('reaches a worker that is started later', async () => {
      const server = serve(withKey)
      await server.running()
      server.write('cert.pem', second.cert)
      server.write('key.pem', second.key)
      await server.reload()
      expect(await subjectOf(await open(server.url))).to.equal('second')
    })
  })

  it('loses nothing in a reload, on kept and on fresh connections', async () => {
    const server = serve([...withKey, '-w', '2'])
    const url = await server.running()
    const kept = new Load({ url, clients: 2, keepAlive: true, ca: authority.cert })
    const fresh = new Load({ url, clients: 2, keepAlive: false, ca: authority.cert })
    for (let reload = 0; reload < 2; reload += 1) {
      await Promise.all([kept.answered(20), fresh.answered(20)])
      await server.reload()
    }
    await Promise.all([kept.answered(20), fresh.answered(20)])
    expect((await kept.stop()).failures).to.deep.equal([])
    expect((await fresh.stop()).failures).to.deep.equal([])
  })

  it('is spoken with a client that was accepted, and had said nothing, when the worker was told to leave', async () => {
    const server = serve(withKey)
    const { hostname: host, port } = new URL(await server.running())
    const plain = connectPlain(Number(port), host)
    await once(plain, 'connect')
    await ask(server.url)
    server.signal('SIGTERM')
    await server.says(/finish what they have/)
    // The worker hears of it a moment later, and gives up its sockets then.
    await eventually('nobody listens', async () => !(await isReachable(Number(port), host)))
    const socket = connect({ socket: plain, ca: authority.cert, servername: 'localhost' })
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    const answer = (await socket.setEncoding('utf8').toArray()).join('')
    expect(answer).to.match(/^HTTP\/1\.1 200 OK\r\n[\s\S]*Connection: close\r\n[\s\S]*true nobody/)
    expect((await server.ended).code).to.equal(0)
    expect(server.log).not.to.match(/cutting/)
  })

  it('resumes a session with another worker', async () => {
    const server = serve([...withKey, '-w', '2'])
    await server.running()
    const socket = await open(server.url, { maxVersion: 'TLSv1.2' })
    const session = socket.getSession()
    const seen = new Set<string>()
    await eventually('both workers answered', async () => {
      const again = await open(server.url, { maxVersion: 'TLSv1.2', session })
      expect(again.isSessionReused()).to.equal(true)
      again.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
      const text = (await again.setEncoding('utf8').toArray()).join('')
      seen.add(/\r\n\r\n(\d+)/.exec(text)?.[1] as string)
      return seen.size === 2
    })
  })

  describe('the hook ssl_context', () => {
    const configured = (hook: string) =>
      `import { readFileSync } from 'node:fs'\nexport default { ssl_context: ${hook} }\n`

    it('gets the settings and a factory, and may choose by the name that the client asks for', async () => {
      const server = serve(withKey, {
        files: {
          'second.pem': second.cert + second.key,
          'tsicorn.config.mjs': configured(`async (settings, makeDefault) => {
            console.log('hook ' + settings.certfile + ' in ' + process.pid)
            const { createSecureContext } = await import('node:tls')
            const both = readFileSync('second.pem')
            const other = createSecureContext({ cert: both, key: both })
            return { ...makeDefault(), SNICallback: (name, done) => done(null, name === 'second.test' ? other : undefined) }
          }`),
        },
      })
      await server.running()
      expect(server.log).to.contain(`hook cert.pem in ${server.workers[0]}`)
      expect(await subjectOf(await open(server.url))).to.equal('first')
      const named = await open(server.url, { servername: 'second.test', rejectUnauthorized: false })
      expect(await subjectOf(named)).to.equal('second')
    })

    for (const [what, callback] of [
      ['throws', `name => { throw new Error('no certificate for ' + name) }`],
      ['rejects', `async name => { throw new Error('no certificate for ' + name) }`],
    ] as const)
      it(`whose SNICallback ${what} fails the handshake, and the log says why`, async () => {
        const server = serve(withKey, {
          errors: true,
          files: {
            'tsicorn.config.mjs': configured(
              `(settings, makeDefault) => ({ ...makeDefault(), SNICallback: ${callback} })`,
            ),
          },
        })
        await server.running()
        const workers = [...server.workers]
        await open(server.url, { servername: 'other.test', rejectUnauthorized: false }).then(
          () => expect.fail('It was served'),
          () => undefined,
        )
        await server.says(
          /\[ERROR\] SNICallback failed for "other.test": Error: no certificate for other.test\n/,
        )
        expect(await subjectOf(await open(server.url))).to.equal('first')
        expect(server.workers).to.deep.equal(workers)
      })

    it('that fails, or returns nothing, ends the start', async () => {
      for (const [hook, message] of [
        [`() => { throw new Error('no luck') }`, /The hook ssl_context failed: Error: no luck/],
        ['() => undefined', /The hook ssl_context returned undefined: return options/],
        [
          `() => ({ cert: 'none', key: 'none' })`,
          /TLS cannot be spoken with the options that ssl_context returned/,
        ],
      ] as const) {
        const server = serve(withKey, { errors: true, files: { 'tsicorn.config.mjs': configured(hook) } })
        expect((await server.ended).code).to.equal(3)
        expect(server.log).to.match(message)
      }
    })
  })

  describe('a server of the app', () => {
    const listening = `import { createServer } from 'node:http'
      createServer((req, res) => res.end('plain server ' + req.socket.encrypted)).listen(process.env.PORT)`

    it('that is exported, or told to listen, is served over TLS too', async () => {
      for (const text of [
        listening,
        `${listening.replace('createServer((', 'export default createServer((').replace('.listen(process.env.PORT)', '')}`,
      ]) {
        const server = serve(withKey, { files: { 'app.mjs': text } })
        await server.running()
        expect(await ask(server.url)).to.equal('plain server true')
      }
    })

    const own = `import { createServer } from 'node:https'
      import { readFileSync } from 'node:fs'
      export default createServer({ cert: readFileSync('second.pem'), key: readFileSync('second.pem') },
        (req, res) => res.end('own TLS'))`

    it('with TLS of its own keeps it', async () => {
      const server = launch({
        args: ['-b', '127.0.0.1:0', './app.mjs'],
        files: { 'app.mjs': own, 'second.pem': second.cert + second.key },
      })
      const url = (await server.running()).replace('http:', 'https:')
      expect(await ask(url)).to.equal('own TLS')
    })

    it('with TLS of its own cannot have certfile as well', async () => {
      const server = serve(withKey, {
        errors: true,
        files: { 'app.mjs': own, 'second.pem': second.cert + second.key },
      })
      expect((await server.ended).code).to.equal(4)
      expect(server.log).to.match(
        /The app serves with TLS of its own \(https\.Server\), and certfile is set as well: leave out/,
      )
    })
  })

  it('keeps no connection of a client that resets while it is answered', async () => {
    const parts = `
      const part = Buffer.alloc(20_000)
      export default async (req, res) => {
        console.log('begun')
        res.on('close', () => console.log('closed'))
        for (let n = 0; n < 20; n += 1) {
          await new Promise(setImmediate)
          if (!res.write(part)) await new Promise(go => res.once('drain', go).once('close', go))
        }
        res.end()
      }`
    const server = serve(withKey, { files: { 'app.mjs': parts } })
    const url = new URL(await server.running())
    const leave = async () => {
      const plain = connectPlain(Number(url.port), url.hostname).on('error', () => undefined)
      await once(plain, 'connect')
      const socket = connect({ socket: plain, rejectUnauthorized: false }).on('error', () => undefined)
      await once(socket, 'secureConnect')
      socket.pause().write('GET / HTTP/1.1\r\nHost: test\r\n\r\n')
      await new Promise(resolve => setImmediate(resolve))
      plain.resetAndDestroy()
    }
    for (let round = 0; round < 8; round += 1) await Promise.all(Array.from({ length: 8 }, leave))
    const count = (word: string) => server.log.split(`${word}\n`).length
    await eventually('all answers are over', () => count('begun') > 1 && count('begun') === count('closed'))
  })

  async function open(url: string, options: object = {}): Promise<TLSSocket> {
    const { hostname, port } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port), ca: authority.cert, ...options })
    await once(socket, 'secureConnect')
    sockets.push(socket)
    return socket
  }

  const sockets: TLSSocket[] = []
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy()
  })

  function ask(url: string, pair?: Pair): Promise<string> {
    return new Promise((resolve, reject) => {
      const options = { agent: false as const, ca: authority.cert, ...pair }
      get(url, options, response => {
        response
          .setEncoding('utf8')
          .toArray()
          .then(parts => resolve(parts.join('')), reject)
      }).once('error', reject)
    })
  }
})

async function subjectOf(socket: TLSSocket): Promise<string | undefined> {
  return socket.getPeerCertificate().subject?.CN as string | undefined
}

async function isReachable(port: number, host: string): Promise<boolean> {
  const socket = connectPlain(port, host)
  const outcome = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'close').then(() => false),
  ]).catch(() => false)
  socket.destroy()
  return outcome
}
