/** With `--reload`, the error is at the address of an app that does not load, until it is mended. */
import { once } from 'node:events'
import { request } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { Authority, hasOpenssl } from '../../support/certificates.ts'
import { eventually, freePort, type LaunchOptions, launch, type Tsicorn } from '../../support/tsicorn.ts'

const hello = (word: string) => `export default (_req, res) => res.end(${JSON.stringify(word)})\n`
const throws = (word: string) => `\nthrow new Error(${JSON.stringify(word)})\n`

describe('the error of an app that does not load', () => {
  it('is there when the first start fails, as HTML for those who accept it, and as text for all others', async () => {
    const server = serve({ 'app.mjs': throws('<no> database') })
    const page = await shown(server, 'Cannot start')
    expect(page.headers.get('content-type')).to.equal('text/html; charset=utf-8')
    expect(page.headers.get('cache-control')).to.equal('no-store')
    expect(page.headers.get('content-security-policy')).to.match(/^default-src 'none'; script-src 'sha256-/)
    expect(page.text).to.match(/<h1>Error: &lt;no&gt; database<\/h1>[\s\S]*app\.mjs:2:7[\s\S]*<mark>/)

    for (const accept of ['*/*', 'application/json']) {
      const { status, headers, text } = await ask(server.url, { headers: { accept } })
      expect(status).to.equal(503)
      expect(headers.get('content-type')).to.equal('text/plain; charset=utf-8')
      expect(headers.has('content-security-policy')).to.equal(false)
      expect(text).to.match(/^Cannot start\n\nError: <no> database\n\napp\.mjs:2:7\n/)
      expect(text).to.include(`> 2 | throw new Error("<no> database")\n    |       ^\n`)
    }
    await mend(server)
  })

  it('has the message of an error whose stack was replaced by a list of frames', async () => {
    const server = serve({
      'app.mjs': `Error.prepareStackTrace = (_, frames) => frames\nconst error = new Error('no database')\nvoid error.stack\nthrow error\n`,
    })
    expect((await shown(server, 'Cannot start')).text).to.include('<h1>it threw Error: no database</h1>')
    await mend(server)
  })

  it('is in the head of an answer to HEAD, and as text in one to POST and to a WebSocket', async () => {
    const server = serve({ 'app.mjs': throws('broken') })
    const { text } = await shown(server, 'Cannot start')
    const head = await ask(server.url, { method: 'HEAD', headers: html })
    expect(head.status).to.equal(503)
    expect(head.headers.get('content-type')).to.match(/^text\/html/)
    // The name of the page is as long as that of another one.
    expect(head.headers.get('content-length')).to.equal(`${Buffer.byteLength(text)}`)
    expect(head.text).to.equal('')

    const posted = await ask(`${server.url}/form`, {
      method: 'POST',
      headers: html,
      body: 'x'.repeat(100_000),
    })
    expect(posted.status).to.equal(503)
    expect(posted.text).to.match(/^Cannot start\n\nError: broken\n/)

    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.end(
      'GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    let answer = ''
    for await (const piece of socket.setEncoding('utf8')) answer += piece
    expect(answer).to.match(/^HTTP\/1\.1 503 [\s\S]*text\/plain[\s\S]*Error: broken/)
  })

  it('takes the place of old code when a change does not load, and gives way to the next that does', async () => {
    const server = serve({ 'app.mjs': hello('old') }, ['-w', '3'])
    await server.running()
    await watches(server)
    server.write('app.mjs', throws('first'))
    await server.says(/Reload 1 failed: the server shows the error until a change loads: .*first/)
    expect((await shown(server, 'Reload 1 failed')).text).to.include('Error: first')
    await eventually('the old workers are gone', () => server.workers.length === 1)
    server.write('app.mjs', throws('second'))
    await server.says(/Reload 2 failed/)
    expect((await shown(server, 'Reload 2 failed')).text).to.include('Error: second')
    await mend(server, /Reload 3: generation \d+ serves \(3 workers/)
    await eventually('only workers of the app are left', () => server.workers.length === 3)
  })

  it('ends the event stream of the page when the app is there', async () => {
    const server = serve({ 'app.mjs': throws('broken') })
    const page = await shown(server, 'Cannot start')
    const id = page.headers.get('tsicorn-page') as string
    const same = await ask(server.url, { method: 'HEAD', headers: { 'tsicorn-page': id } })
    expect([same.status, same.headers.get('tsicorn-page')]).to.deep.equal([204, id])
    const stream = await fetch(`${server.url}/.tsicorn/error-page`, {
      headers: { accept: 'text/event-stream' },
    })
    expect(stream.headers.get('content-type')).to.equal('text/event-stream')
    const whole = stream.text()
    await mend(server)
    // It is ended, not cut.
    expect(await whole).to.equal(`data: ${id}\n\n`)
    // The connection of the stream was kept, and may lead to the worker that leaves once more.
    await eventually('the app alone answers', async () => {
      const other = await ask(server.url, { method: 'HEAD', headers: { 'tsicorn-page': id } })
      expect(other.headers.get('tsicorn-page')).to.be.oneOf([null, 'leaving'])
      return !other.headers.has('tsicorn-page')
    })
  })

  const mistakes: readonly [string, Record<string, string>, RegExp, (readonly string[])?][] = [
    [
      'TypeScript that cannot be parsed',
      { 'app.ts': 'const a: number = 1\n\nconst x: = 3\n' },
      /app\.ts:3:\d+\n/,
    ],
    [
      'a missing module',
      { 'app.ts': `import { db } from './db.ts'\nexport default db\n` },
      /db\.ts[\s\S]*app\.ts:1:2\d\n/,
    ],
    [
      'a missing package',
      { 'app.ts': `\nimport db from 'no-such-package'\nexport default db\n` },
      /app\.ts:2:\d+\n/,
    ],
    [
      'a factory that rejects',
      { 'app.ts': 'export default async function create() {\n  throw new TypeError("no")\n}\n' },
      /TypeError: no\n\napp\.ts:2:9\n/,
      ['./app.ts:default()'],
    ],
    [
      'a rejection that nobody handles',
      {
        'app.ts':
          'const main = async () => {\n  await 1\n  throw new Error("late")\n}\nmain()\nawait new Promise(() => setTimeout(() => {}, 60_000))\n',
      },
      /Error: late\n\napp\.ts:3:9\n/,
    ],
    [
      'an app that exits',
      { 'app.ts': 'process.exit(7)\n' },
      /^The app ".\/app.ts" called process.exit\(7\) while it was loaded\n\napp\.ts:1:9\n/m,
    ],
    ['an app that never listens', { 'app.ts': 'setInterval(() => undefined, 60_000)\n' }, /boot_timeout/],
    [
      'an app that takes for ever',
      { 'app.ts': 'await new Promise(() => setInterval(() => undefined, 60_000))\n' },
      /boot_timeout/,
    ],
  ]
  for (const [what, files, says, app = ['./app.ts']] of mistakes)
    it(`says what is wrong with ${what}`, async () => {
      const server = launch({
        args: ['--reload', '--boot-timeout', '5', '-b', '127.0.0.1:0', ...app],
        files,
        errors: true,
      })
      await shown(server, 'Cannot start')
      expect((await ask(server.url)).text).to.match(says)
    })

  it('is that of a configuration or a hook, too, and of none when these are mended', async () => {
    const config = (rest: string) =>
      `export default {\n  app: './app.mjs', bind: ['127.0.0.1:0'], reload: true,\n  ${rest}\n}\n`
    const files = { 'app.mjs': hello('hello'), 'tsicorn.config.mjs': config('workers: 1') }
    const server = launch({ files, errors: true })
    await server.running()
    await watches(server)
    server.write('tsicorn.config.mjs', config('wrokers: 1'))
    await shown(server, 'Reload 1 failed')
    expect((await ask(server.url)).text).to.match(/wrokers is not a setting.*\n\ntsicorn\.config\.mjs:3:3\n/)
    server.write('tsicorn.config.mjs', config(`post_fork() { throw new Error('no fork') }`))
    await shown(server, 'Reload 2 failed')
    expect((await ask(server.url)).text).to.match(/post_fork[\s\S]*no fork/)
    server.write('tsicorn.config.mjs', config('workers: 2'))
    await server.says(/Reload 3: generation \d+ serves \(2 workers/)
    await eventually(
      'the app answers',
      async () => (await ask(server.url, { headers: html })).text === 'hello',
    )
  })

  it('is at every address of the app', async () => {
    const other = await freePort()
    const server = serve({ 'app.mjs': throws('broken') }, ['-b', `127.0.0.1:${other}`, '-b', 'unix:app.sock'])
    await shown(server, 'Cannot start')
    expect((await ask(`http://127.0.0.1:${other}`)).text).to.match(/^Cannot start\n/)
    const local = request({ socketPath: join(server.folder, 'app.sock'), path: '/' }).end()
    const [response] = await once(local, 'response')
    expect(response.statusCode).to.equal(503)
    response.resume()
  })

  it('is served with TLS and HTTP/2 where the app is', async function () {
    if (!hasOpenssl) {
      process.stderr.write(
        'Skipping the error page over TLS: there is no openssl to make certificates with\n',
      )
      return this.skip()
    }
    const authority = new Authority()
    const { cert, key } = authority.sign('localhost')
    authority.remove()
    const files = { 'app.mjs': throws('broken'), 'both.pem': `${cert}${key}` }
    const server = serve(files, ['--certfile', 'both.pem', '--http-protocols', 'h2,h1'])
    await server.says(/Waiting for a change[\s\S]*Booting worker 2/)
    const answers = async () => {
      const session = connectHttp2(server.url, { ca: authority.cert })
      // The worker may have yet to listen.
      session.on('error', () => undefined)
      try {
        const stream = session.request({ ':path': '/', accept: 'text/html' })
        const [headers] = await once(stream, 'response')
        stream.resume()
        return headers[':status'] === 503 && /^text\/html/.test(headers['content-type'])
      } catch {
        return false
      } finally {
        session.destroy()
      }
    }
    await eventually('the error is there', answers)
  })

  it('is at the address that only the app has named', async () => {
    const port = await freePort()
    const listens = `import { createServer } from 'node:http'\ncreateServer((_req, res) => res.end('old')).listen(${port}, '127.0.0.1')\n`
    const server = launch({ args: ['--reload', './app.mjs'], files: { 'app.mjs': listens }, errors: true })
    await server.says(/Running: /)
    await watches(server)
    server.write('app.mjs', `${listens}throw new Error('broken')\n`)
    const url = `http://127.0.0.1:${port}`
    await eventually('the error is shown', async () => /Error: broken/.test((await ask(url)).text))
    server.write('app.mjs', listens.replace('old', 'mended'))
    await eventually('the app answers', async () => (await ask(url)).text === 'mended')
  })

  it('is no readiness of the server', async () => {
    const admin = `127.0.0.1:${await freePort()}`
    const server = serve({ 'app.mjs': hello('old') }, ['--metrics-bind', admin])
    await server.running()
    await watches(server)
    server.write('app.mjs', throws('broken'))
    await shown(server, 'Reload 1 failed')
    const readiness = async () => (await ask(`http://${admin}/-/ready`)).status
    await eventually('the server is not ready', async () => (await readiness()) === 503)
    await mend(server, /Reload 2: generation \d+ serves/)
    expect(await readiness()).to.equal(200)
  })

  it('is nowhere without --reload', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.mjs'],
      files: { 'app.mjs': hello('old') },
      errors: true,
    })
    await server.running()
    server.write('app.mjs', throws('broken'))
    await server.reload(/Reload 1 failed: generation 1 keeps serving: .*broken/)
    const { text, headers } = await ask(server.url, { headers: html })
    expect(text).to.equal('old')
    expect(headers.has('tsicorn-page')).to.equal(false)
    await server.reload(/Reload 2 failed: generation 1 keeps serving: .*broken/)
    expect(server.workers).to.have.length(1)
  })

  it('is there again when its worker was killed', async () => {
    const server = serve({ 'app.mjs': hello('old') })
    await server.running()
    await watches(server)
    server.write('app.mjs', throws('broken'))
    const before = await shown(server, 'Reload 1 failed')
    await eventually('the old worker is gone', () => server.workers.length === 1)
    process.kill(server.workers[0] as number, 'SIGKILL')
    await server.says(/was ended by SIGKILL/)
    const after = await shown(server, 'Reload 1 failed')
    expect(after.headers.get('tsicorn-page')).not.to.equal(before.headers.get('tsicorn-page'))
    await mend(server, /Reload 2: generation \d+ serves/)
  })

  it('is not there where no worker can start, and the server waits for the mend as well', async () => {
    const broken = `if (process.env.TSICORN_WORKER_INDEX !== undefined) throw new Error('no worker')\n`
    const server = launch({
      args: ['--reload', '-b', '127.0.0.1:0', './app.mjs'],
      env: { NODE_OPTIONS: '--import=./broken.mjs' },
      files: { 'app.mjs': hello('mended'), 'broken.mjs': broken },
      errors: true,
    })
    await server.says(/Waiting for a change[\s\S]*The error cannot be shown\n/)
    await watches(server)
    server.write('broken.mjs', '')
    expect((await ask(await server.running())).text).to.equal('mended')
  })

  it('stops at once with the server', async () => {
    const server = serve({ 'app.mjs': throws('broken') })
    await shown(server, 'Cannot start')
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null })
  })
})

const html = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

function serve(files: Readonly<Record<string, string>>, args: readonly string[] = []): Tsicorn {
  const options: LaunchOptions = { files, errors: true }
  return launch({ ...options, args: ['--reload', '-b', '127.0.0.1:0', ...args, './app.mjs'] })
}

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** Over a connection of its own: one that is kept stays with its worker. */
async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { ...init, headers: { ...init.headers, connection: 'close' } })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

/** The page under this heading, as soon as it is there. */
async function shown(server: Tsicorn, heading: string): Promise<Answer> {
  await eventually('the address is known', () => server.url !== undefined)
  let found: Answer | undefined
  await eventually('the error is shown', async () => {
    found = await ask(server.url, { headers: html }).catch(() => undefined)
    return found?.status === 503 && found.text.includes(`<p class="heading">${heading} `)
  })
  return found as Answer
}

/** It says so before the first worker fails, or after. */
async function watches(server: Tsicorn): Promise<void> {
  await eventually('it watches', () => server.log.includes('Watching: '))
}

async function mend(server: Tsicorn, says = /Running: /): Promise<void> {
  await watches(server)
  server.write('app.mjs', hello('mended'))
  await server.says(says)
  await eventually(
    'the app answers',
    async () => (await ask(server.url, { headers: html })).text === 'mended',
  )
}
