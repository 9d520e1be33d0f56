/** The status page of real servers, as HTTP. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { ask, hello, launchWatched, press, token, Watcher } from '../../support/http/status-page.ts'
import { eventually, freePort, launchText } from '../../support/tsicorn.ts'
import { control } from '../../support/tsicornc.ts'

const tells = (type: string) => (message: { readonly events: readonly { readonly type: string }[] }) =>
  message.events.some(event => event.type === type)

describe('the status page', () => {
  it('is one file that may load nothing else and run only its own script', async () => {
    const { port } = await launchWatched()
    const { status, headers, text } = await ask(port, '/')
    expect(status).to.equal(200)
    expect(headers['content-type']).to.equal('text/html; charset=utf-8')
    expect(headers['x-content-type-options']).to.equal('nosniff')
    const policy = String(headers['content-security-policy'])
    expect(policy).to.include("default-src 'none'").and.include("frame-ancestors 'none'")
    expect(policy).not.to.match(/unsafe|\*|https?:/)
    for (const name of ['script', 'style']) {
      const [, content = ''] = new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(text) ?? []
      expect(content).to.have.length.above(1_000)
      const hash = createHash('sha256').update(content).digest('base64')
      expect(policy).to.include(`${name}-src 'sha256-${hash}'`)
    }
    expect(text.match(/(?:src|href)="(?!data:|#)[^"]*"/g)).to.equal(null)
    expect(text).not.to.match(/style="|\son[a-z]+="/)
  })

  it('is sent once to a browser that has it', async () => {
    const { port } = await launchWatched()
    const { etag } = (await ask(port, '/')).headers
    expect((await ask(port, '/', { headers: { 'if-none-match': etag } })).status).to.equal(304)
    expect((await ask(port, '/', { headers: { 'if-none-match': '"other"' } })).status).to.equal(200)
    const head = await ask(port, '/', { method: 'HEAD' })
    expect([head.status, head.text]).to.deep.equal([200, ''])
    expect((await ask(port, '/', { method: 'POST' })).status).to.equal(405)
  })

  it('is not served under a name that others may have given to its address', async () => {
    const { port } = await launchWatched()
    for (const path of ['/', '/-/feed'])
      expect((await ask(port, path, { headers: { host: 'evil.example' } })).status, path).to.equal(421)
    expect((await press(port, 'reload', {}, { host: 'evil.example' })).status).to.equal(421)
    expect((await ask(port, '/', { headers: { host: 'localhost:80' } })).status).to.equal(200)
  })
})

describe('the feed of the status page', () => {
  it('tells the state, and what happens', async () => {
    const { port, server } = await launchWatched(['-w', '2'])
    const watcher = new Watcher(port)
    const { answer, has_token } = await watcher.hears(message => message.answer !== undefined)
    expect(answer?.workers.map(({ state }) => state)).to.deep.equal(['ready', 'ready'])
    expect(answer?.arbiter.phase).to.equal('running')
    expect(has_token).to.equal(true)
    await control(server, 'reload')
    await watcher.hears(tells('reload succeeded'))
    await watcher.hears(message => message.answer?.arbiter.generation === 2)
    watcher.close()
  })

  it('goes on where one that comes again has been', async () => {
    const { port, server } = await launchWatched()
    const first = new Watcher(port)
    await first.hears(() => true)
    await control(server, 'scale', '2')
    await first.hears(tells('worker ready'))
    first.close()
    await first.ended
    await control(server, 'scale', '3')
    const again = new Watcher(port, { 'last-event-id': first.lastId })
    await again.hears(tells('worker ready'))
    expect(again.events.filter(type => type === 'wanted')).to.deep.equal(['wanted'])
    again.close()
  })

  it('is for a bounded number, and for others when one of them leaves', async () => {
    const { port } = await launchWatched()
    const watchers = Array.from({ length: 16 }, () => new Watcher(port))
    for (const watcher of watchers) expect(await watcher.status).to.equal(200)
    const { status, text } = await ask(port, '/-/feed')
    expect(status).to.equal(503)
    expect(text).to.equal('16 pages watch this server, which is the most: close one of them\n')
    watchers[0]?.close()
    await eventually('there is room', async () => {
      const next = new Watcher(port)
      const isIn = (await next.status) === 200
      next.close()
      return isIn
    })
    for (const watcher of watchers) watcher.close()
  })

  it('takes no place for those who ask on one connection again and again', async () => {
    const { port } = await launchWatched()
    const socket = net.connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write('GET /-/feed HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(40))
    await new Promise(resolve => socket.resume().once('close', resolve))
    const watchers = Array.from({ length: 16 }, () => new Watcher(port))
    for (const watcher of watchers) expect(await watcher.status).to.equal(200)
    for (const watcher of watchers) watcher.close()
  })

  it('costs nobody else anything where it is not read', async () => {
    const { port, server } = await launchWatched()
    const silent = Array.from({ length: 15 }, () => {
      const socket = net.connect(port, '127.0.0.1').pause()
      socket.on('error', () => undefined)
      return socket.on('connect', () => socket.write('GET /-/feed HTTP/1.1\r\nHost: localhost\r\n\r\n'))
    })
    const watcher = new Watcher(port)
    await watcher.hears(() => true)
    expect((await ask(port, '/-/live')).status).to.equal(200)
    expect((await control(server, 'reload')).code).to.equal(0)
    await watcher.hears(tells('reload succeeded'))
    for (const socket of silent) socket.destroy()
    watcher.close()
  })

  it('ends with the server, and begins again with the new arbiter of an upgrade', async () => {
    const { port, server } = await launchWatched()
    const watcher = new Watcher(port)
    const first = await watcher.hears(({ answer }) => answer !== undefined)
    expect((await control(server, 'upgrade', '--bake', '0')).code).to.equal(0)
    await watcher.ended
    await server.says(/Promoted/)
    let next: Watcher | undefined
    await eventually('the new arbiter has the address', async () => {
      next = new Watcher(port, { 'last-event-id': watcher.lastId })
      return (await next.status.catch(() => undefined)) === 200
    })
    const second = await next?.hears(({ answer }) => answer !== undefined)
    expect(second?.answer?.arbiter.pid).not.to.equal(first.answer?.arbiter.pid)
    expect(second?.answer?.arbiter.phase).to.equal('running')
    next?.close()
  })
})

describe('the actions of the status page', () => {
  it('scale and reload for those who have the token, which may be changed', async () => {
    const { port, server } = await launchWatched()
    const scaled = await press(port, 'scale', { workers: 2 })
    expect([scaled.status, JSON.parse(scaled.text)]).to.deep.equal([200, { data: { previous: 1, total: 2 } }])
    await server.says(/Asked on the status page: scale 2/)
    expect((await press(port, 'reload')).status).to.equal(202)
    await server.says(/Reload 1: generation 2 serves/)
    server.write('token', 'another-token-of-the-day')
    expect((await press(port, 'reload')).status).to.equal(401)
    const headers = { authorization: 'Bearer another-token-of-the-day' }
    expect((await press(port, 'scale', { workers: 1 }, headers)).status).to.equal(200)
    expect(server.log).not.to.include(token)
  })

  it('are refused with the reason', async () => {
    const { port, server } = await launchWatched()
    const refused = async (status: number, error: RegExp, asked: ReturnType<typeof ask>) => {
      const { status: got, text } = await asked
      expect((JSON.parse(text) as { readonly error: string }).error).to.match(error)
      expect(got, text).to.equal(status)
    }
    await refused(401, /^The token is wrong$/, press(port, 'reload', {}, { authorization: 'Bearer wrong' }))
    await refused(401, /^A token is needed$/, press(port, 'reload', {}, { authorization: '' }))
    await refused(401, /^A token is needed$/, ask(port, `/-/reload?token=${token}`, posted))
    await refused(405, /^Only POST$/, ask(port, '/-/reload'))
    await refused(415, /application\/json/, press(port, 'reload', {}, { 'content-type': 'text/plain' }))
    for (const headers of [{ origin: 'http://evil.example' }, { 'sec-fetch-site': 'cross-site' }])
      await refused(403, /a page of another server/, press(port, 'reload', {}, headers))
    await refused(400, /more than 1024 bytes/, press(port, 'scale', { workers: 'x'.repeat(2_000_000) }))
    const broken = { ...posted, headers: { ...posted.headers, authorization: `Bearer ${token}` }, body: '{' }
    await refused(400, /is not JSON/, ask(port, '/-/scale', broken))
    await refused(409, /^scale needs a number of workers, 1 or more$/, press(port, 'scale', { workers: 0 }))
    await refused(409, /needs a number/, press(port, 'scale'))
    expect(server.log).not.to.match(/Asked on the status page: (?!scale)/)
    expect(
      (
        await press(
          port,
          'scale',
          { workers: 1 },
          { origin: `http://127.0.0.1:${port}`, host: `127.0.0.1:${port}` },
        )
      ).status,
    ).to.equal(200)
  })

  it('are not there without a token', async () => {
    const { port } = await launchWatched([], { hasToken: false })
    const { status, text } = await press(port, 'reload')
    expect(status).to.equal(403)
    expect(text).to.include('This page is read-only: status_token_file allows more')
    const watcher = new Watcher(port)
    expect((await watcher.hears(() => true)).has_token).to.equal(false)
    watcher.close()
  })

  it('need a token that is one, before the server starts', async () => {
    const port = await freePort()
    const bind = ['--metrics-bind', `127.0.0.1:${port}`]
    const failure = async (args: readonly string[]) => {
      const server = launchText(hello, args, { files: { short: 'secret\n' } })
      expect((await server.ended).code).to.equal(1)
      expect(server.log).not.to.include('secret')
      return server.log
    }
    expect(await failure([...bind, '--status-token-file', 'short'])).to.include(
      'status_token_file "short" has to hold a token of 16 visible ASCII characters or more',
    )
    expect(await failure([...bind, '--status-token-file', 'none'])).to.include(
      'status_token_file "none" cannot be read: ENOENT',
    )
    expect(await failure(['--status-token-file', 'short'])).to.include(
      'status_token_file "short" needs metrics_bind',
    )
    expect(await failure([...bind, '--status-token-file', '/dev/zero'])).to.include(
      'status_token_file "/dev/zero" cannot be read: it is no regular file',
    )
  })

  it('are refused, and hold up nothing, while the file holds no token or is a pipe', async () => {
    const { port, server } = await launchWatched()
    const file = join(server.folder, 'token')
    for (const [make, error] of [
      [() => execFileSync('mkfifo', [file]), /it is no regular file/],
      [() => mkdirSync(file), /it is no regular file/],
      [() => symlinkSync('/dev/zero', file), /it is no regular file/],
      [() => writeFileSync(file, 'x'.repeat(5_000)), /more than 4096 bytes/],
      [() => writeFileSync(file, ''), /has to hold a token/],
      [() => undefined, /no such file or directory/],
    ] as const) {
      rmSync(file, { recursive: true, force: true })
      make()
      for (const { status, text } of await Promise.all(
        Array.from({ length: 6 }, () => press(port, 'reload')),
      )) {
        expect(status).to.equal(503)
        expect(text)
          .to.match(/^\{"error":"status_token_file /)
          .and.match(error)
      }
      expect((await ask(port, '/metrics')).status).to.equal(200)
    }
    server.write('token', `\r\n${token}\r\n`)
    expect((await press(port, 'scale', { workers: 2 })).status).to.equal(200)
  })

  it('leave a reload to say what is wrong with the file', async () => {
    const { server } = await launchWatched([], { errors: true })
    const file = join(server.folder, 'token')
    rmSync(file)
    execFileSync('mkfifo', [file])
    const { code, stderr } = await control(server, 'reload')
    expect(code).to.equal(1)
    expect(stderr).to.match(/status_token_file "token" cannot be read: it is no regular file/)
  })
})

const posted = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }
