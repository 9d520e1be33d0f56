/** What is open when a worker has to leave is finished undamaged, or cut when its time is over. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Load } from '../../support/http/load.ts'
import { fresh, listening } from '../../support/requests.ts'
import { eventually, freePort, launch, launchApp, launchText, type Tsicorn } from '../../support/tsicorn.ts'

/** Everything that holds a connection open longer than it takes to answer. */
const lingering = `
import { createServer } from 'node:http'
const server = createServer((req, res) => {
  if (req.url === '/') return res.end(String(process.pid))
  if (req.url === '/events') {
    res.writeHead(200, { 'Content-Type': 'text/event-stream' })
    const timer = setInterval(() => res.write('data: tick\\n\\n'), 50)
    return res.on('close', () => clearInterval(timer))
  }
  if (req.url === '/block') {
    process.stdout.write('blocked')
    const until = Date.now() + 60_000
    while (Date.now() < until);
  }
  setTimeout(() => res.end('late ' + process.pid), 2_000)
})
server.on('upgrade', (req, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: echo\\r\\n\\r\\n')
  socket.on('data', data => socket.write(data)).on('error', () => undefined)
})
export default server
`

function serve(args: readonly string[], errors = false): Tsicorn {
  return launch({
    args: ['-b', '127.0.0.1:0', ...args, './app.mjs'],
    files: { 'app.mjs': lingering },
    errors,
  })
}

/** Sends these bytes on a connection of its own, and waits for the first bytes of an answer where one is expected. */
async function open(url: string, bytes: string, isAnswered = true): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname).on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(bytes)
  if (isAnswered) await once(socket, 'data')
  return socket.resume()
}

async function openKinds(url: string): Promise<Record<string, Socket>> {
  return {
    events: await open(url, 'GET /events HTTP/1.1\r\nHost: test\r\n\r\n'),
    upgraded: await open(url, 'GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n'),
    'half a head': await open(url, 'GET / HTTP/1.1\r\nHos', false),
    'half a body': await open(
      url,
      'POST /late HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\nhalf',
      false,
    ),
    idle: await open(url, 'GET / HTTP/1.1\r\nHost: test\r\n\r\n'),
    silent: await open(url, '', false),
  }
}

describe('graceful_timeout', () => {
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
    it(`ends streams, upgraded sockets and half-sent requests after ${signal}`, async () => {
      const server = serve(['-w', '1', '--graceful-timeout', '1'])
      const url = await server.running()
      const sockets = Object.entries(await openKinds(url))
      const closed = sockets.map(async ([kind, socket]) => {
        if (!socket.destroyed) await once(socket, 'close')
        return kind
      })
      server.signal(signal)
      await server.says(/graceful_timeout is over: cutting \d connections/)
      expect(await Promise.all(closed)).to.have.length(6)
      await server.says(/Worker 1 .* exited with code 0/)
    })
  }

  it('bounds a request of an old worker after a reload, while new connections go to the new one', async () => {
    const server = launchApp('slow.ts', ['-w', '1', '--graceful-timeout', '1'])
    const url = await server.running()
    const answer = fetch(`${url}/?ms=30000`).catch(() => 'cut')
    await eventually('the request is under way', async () => (await fetch(`${url}/?ms=0`)).ok)
    await server.reload()
    expect(await fresh(`${url}/?ms=0`)).to.equal('slow')
    await server.says(/graceful_timeout is over: cutting 1 connection$/m)
    expect(await answer).to.equal('cut')
    await server.says(/Worker 1 .* exited with code 0: replaced/)
  })

  it('kills a worker that hears nothing, and nobody else', async () => {
    const server = serve(['-w', '2', '--graceful-timeout', '3', '-t', '0'], true)
    const url = await server.running()
    const stuck = open(url, 'GET /block HTTP/1.1\r\nHost: test\r\n\r\n', false)
    await server.says(/blocked/)
    const answer = fresh(`${url}/late`)
    await sleep(100)
    server.signal('SIGTERM')
    expect(await answer).to.match(/^late \d+$/)
    await server.says(/Killing worker \d \(pid \d+\)/)
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
    expect(server.log.match(/Killing worker/g)).to.have.length(1)
    ;(await stuck).destroy()
  })
})

describe('an old worker after a reload', () => {
  it('finishes a slow answer and a half-sent head, while new connections go to the new one', async () => {
    const server = serve(['-w', '1'])
    const url = await server.running()
    const old = await fresh(url)
    const slow = fresh(`${url}/late`)
    const half = await open(url, 'GET /late HTTP/1.1\r\nHos', false)
    // Its bytes have been read when a later connection is answered.
    await fresh(url)
    await server.reload()
    expect(await fresh(url)).not.to.equal(old)
    let answer = ''
    half.setEncoding('utf8').on('data', (text: string) => {
      answer += text
    })
    half.write('t: test\r\n\r\n')
    await once(half, 'close')
    expect(answer)
      .to.contain(`late ${old}`)
      .and.to.match(/^Connection: close\r$/m)
    expect(await slow).to.equal(`late ${old}`)
  })
})

describe('timeout', () => {
  it('leaves a request alone that takes longer without blocking the worker', async () => {
    const server = launchApp('slow.ts', ['-w', '1', '-t', '1'])
    const url = await server.running()
    expect(await fresh(`${url}/?ms=3000`)).to.equal('slow')
    expect(server.log).not.to.match(/Killing/)
  })

  it('is not for a client that says nothing: it costs one connection, and others are served', async () => {
    const server = launchApp('hello.ts', ['-w', '1', '-t', '1'])
    const url = await server.running()
    const silent = await open(url, '', false)
    const until = Date.now() + 2_500
    while (Date.now() < until) expect(await fresh(url)).to.equal('hello')
    expect(server.log).not.to.match(/Killing/)
    silent.destroy()
  })

  it('is not for the boot: many workers that load slowly are replaced one after another', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-w', '6', '-t', '1', './app.mjs'],
      files: {
        'app.mjs': `await new Promise(done => setTimeout(done, 600))\nexport default (req, res) => res.end('ok')`,
      },
    })
    await server.running()
    await server.reload()
    expect(server.log).not.to.match(/Killing/)
  }).timeout(240_000)
})

describe('every signal that an arbiter knows', () => {
  it('leaves the bytes of an upload and of a download as they are', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-w', '2', './app.mjs'],
      files: {
        'app.mjs': `
          import { createHash } from 'node:crypto'
          import { setTimeout as sleep } from 'node:timers/promises'
          export default async (req, res) => {
            if (req.method === 'POST') {
              const hash = createHash('sha256')
              for await (const chunk of req) hash.update(chunk)
              return res.end(hash.digest('hex'))
            }
            for (let piece = 0; piece < 40; piece += 1) {
              res.write(Buffer.alloc(50_000, piece))
              await sleep(50)
            }
            res.end()
          }`,
      },
    })
    const url = await server.running()
    const pieces = Array.from({ length: 40 }, (_, piece) => Buffer.alloc(50_000, piece))
    const expected = createHash('sha256').update(Buffer.concat(pieces)).digest('hex')
    const download = fetch(url).then(async answer => Buffer.from(await answer.arrayBuffer()))
    const upload = request(url, { method: 'POST' })
    const uploaded = once(upload, 'response')
    const signals = ['SIGUSR1', 'SIGTTIN', 'SIGHUP', 'SIGTTOU', 'SIGWINCH', 'SIGHUP', 'SIGUSR2'] as const
    for (const [n, piece] of pieces.entries()) {
      upload.write(piece)
      await sleep(50)
      const signal = n % 5 === 2 ? signals[(n - 2) / 5] : undefined
      if (signal !== undefined) server.signal(signal)
    }
    upload.end()
    const [response] = await uploaded
    expect(Buffer.concat(await response.toArray()).toString()).to.equal(expected)
    expect(
      createHash('sha256')
        .update(await download)
        .digest('hex'),
    ).to.equal(expected)
    await server.says(/The new arbiter serves|USR2 has no effect while reloading/)
  }).timeout(240_000)
})

describe('a worker whose app listens, and then cannot be loaded', () => {
  for (const [what, { end, says }] of Object.entries({
    'because it throws': {
      end: () => `throw new Error('no database')`,
      says: /generation 1 keeps serving: .*no database/,
    },
    'because it listens on one more address': {
      end: (port: number) => `createServer().listen(${port}, '127.0.0.1')`,
      says: /Reload \d+: generation \d+ serves/,
    },
    'because it is never ready': {
      end: () => 'await new Promise(() => setTimeout(() => 1, 60_000))',
      says: /generation 1 keeps serving: .*not ready within boot_timeout/,
    },
  })) {
    it(`answers what it has accepted, ${what}`, async () => {
      const server = launchText(`export default (req, res) => res.end('old')`, ['--boot-timeout', '5'], {
        errors: true,
      })
      const load = new Load({ url: await server.running(), clients: 4, keepAlive: false })
      server.write(
        'app.mjs',
        `import { createServer } from 'node:http'
        await new Promise(asked => {
          const answer = (req, res) => setTimeout(() => res.end('new'), 300, asked())
          createServer(answer).listen(process.env.PORT)
          setTimeout(() => 1, 60_000)
        })
        ${end(await freePort())}`,
      )
      await server.reload(says)
      expect((await load.stop()).failures).to.deep.equal([])
    })
  }
})

describe('a worker whose app listens, and is not ready in time', () => {
  it('accepts nothing more from then on, also if nothing is open at that moment', async () => {
    const server = launchText(`export default (req, res) => res.end('old')`, ['--boot-timeout', '2'], {
      errors: true,
    })
    const url = await server.running()
    server.write(
      'app.mjs',
      `import { createServer } from 'node:http'
      createServer((req, res) => setTimeout(() => res.end('new'), 1_500)).listen(process.env.PORT)
      // A moment after it was not ready in time, when it would not have been killed yet.
      setTimeout(() => process.stdout.write('late'), 2_300)
      await new Promise(() => setTimeout(() => 1, 60_000))`,
    )
    server.signal('SIGHUP')
    await eventually('it is late', () => /late|keeps serving/.test(server.log))
    const answers = await Promise.all(Array.from({ length: 20 }, () => fresh(url)))
    expect(new Set(answers)).to.deep.equal(new Set(['old']))
    await server.says(/generation 1 keeps serving: The app is not ready within boot_timeout/)
  })
})

describe('a worker that is told to leave while its app is being loaded', () => {
  for (const [what, begin] of Object.entries({
    'the server that it exports': `export default server`,
    'the server that it starts': `server.listen(Number(process.env.PORT))`,
  })) {
    it(`does not begin to accept for ${what}`, async () => {
      const server = launch({
        args: ['-b', '127.0.0.1:0', '-w', '1', './app.mjs'],
        files: {
          'app.mjs': `
            import { createServer } from 'node:http'
            const isFirst = process.env.TSICORN_WORKER_INDEX === '0'
            const server = createServer((req, res) => {
              if (!isFirst) process.stdout.write('asked a worker that leaves')
              setTimeout(() => res.end('late'), 100)
            })
            // It is loaded when it is told to leave, and takes some time to do so.
            if (!isFirst) await new Promise(told => {
              process.on('SIGTERM', () => {
                told()
                setTimeout(() => process.exit(), 400)
              })
              setTimeout(() => 1, 60_000)
              process.stdout.write('half loaded')
            })
            ${begin}`,
        },
      })
      const load = new Load({ url: await server.running(), clients: 8, keepAlive: false })
      server.signal('SIGTTIN')
      await server.says(/half loaded/)
      server.signal('SIGTTOU')
      await server.says(/Worker 2 .* exited with code 0: told to leave at once/)
      expect((await load.stop()).failures).to.deep.equal([])
      await server.stop()
      expect(server.log).not.to.contain('asked a worker that leaves')
    })
  }

  it('answers what a server of the app has accepted, however long that takes, and ends well', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '--timeout', '1', './app.mjs'],
      files: {
        'app.mjs': `
          import { createServer } from 'node:http'
          const server = createServer((req, res) => {
            process.stdout.write('asked')
            setTimeout(() => res.end('late'), 3_000)
          })
          server.listen(Number(process.env.PORT))
          process.on('SIGTERM', () => server.close(error => process.exit(error === undefined ? 0 : 1)))
          await new Promise(resolve => setTimeout(resolve, 60_000))`,
      },
    })
    await server.says(/was redirected/)
    await listening(server.url)
    const answer = fetch(server.url)
    await server.says(/asked/)
    process.kill(server.workers[0] as number, 'SIGTERM')
    expect((await answer).headers.get('connection')).to.equal('close')
    expect(await (await answer).text()).to.equal('late')
    await server.says(/Worker 1 .* exited with code 0: it was sent TERM/)
  })
})
