/** Workers that are used up are replaced, new ones that crash are rolled back, and late answers become a 503. */
import { expect } from 'chai'
import { Load } from '../../support/http/load.ts'
import { exchange } from '../../support/http/raw.ts'
import { fresh } from '../../support/requests.ts'
import { eventually, launch, launchApp } from '../../support/tsicorn.ts'

describe('recycling', () => {
  it('replaces workers after max_requests, and fails no request of keep-alive clients', async () => {
    const server = launchApp('hello.ts', ['-w', '2', '--max-requests', '200', '--max-requests-jitter', '50'])
    const url = await server.running()
    const first = server.workers
    const load = new Load({ url, clients: 8, keepAlive: true })
    await server.says(/asks for a successor: max_requests: \d+ requests/)
    await server.says(/exited with code 0: max_requests/)
    await server.says(/exited with code 0: max_requests/)
    await load.answered(100)
    expect((await load.stop()).failures).to.deep.equal([])
    expect(server.workers).to.not.have.members(first)
  })

  it('replaces a worker after max_worker_lifetime', async () => {
    const server = launchApp('hello.ts', ['-w', '2', '--max-worker-lifetime', '1'])
    await server.running()
    await server.says(/asks for a successor: max_worker_lifetime/)
    await server.says(/Booting worker 3/)
    await server.says(/exited with code 0: max_worker_lifetime/)
  })

  it('replaces a worker whose memory stays over max_worker_rss', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-w', '1', '--max-worker-rss', '200M', './app.mjs'],
      files: {
        'app.mjs': `const kept = []
          export default (req, res) => { if (req.url === '/eat') kept.push(Buffer.alloc(300 * 2 ** 20, 1)); res.end('ok') }`,
      },
    })
    const url = await server.running()
    await fetch(`${url}/eat`)
    await server.says(/asks for a successor: max_worker_rss: \d+ bytes/)
    await server.says(/Booting worker 2/)
    await server.says(/Worker 1 .* exited with code 0: max_worker_rss/)
    expect(await (await fetch(url)).text()).to.equal('ok')
  })
})

describe('reload_bake', () => {
  const config = (more = '') =>
    `export default { app: './app.mjs', bind: ['127.0.0.1:0'], workers: 2, reload_surge: 2, reload_bake: 60, ${more} }`

  it('rolls back when a new worker crashes while the last old one waits', async () => {
    const server = launch({
      args: ['--log-level', 'debug'],
      files: { 'tsicorn.config.mjs': config(), 'app.mjs': `export default (req, res) => res.end('one')` },
      errors: true,
    })
    const url = await server.running()
    server.write(
      'app.mjs',
      `export default (req, res) => { if (req.url === '/crash') process.exit(9); res.end('two') }`,
    )
    server.signal('SIGHUP')
    await server.says(/Worker [12] .* exited with code 0: replaced/)
    // Both have read the new file, which is now replaced.
    for (const worker of [3, 4])
      await eventually('it is ready', () => new RegExp(`Worker ${worker} .* is ready`).test(server.log))
    server.write('app.mjs', `export default (req, res) => res.end('one')`)
    await eventually('the new worker was asked to crash', async () => {
      await fetch(`${url}/crash`, { headers: { connection: 'close' } }).catch(() => undefined)
      return / exited with code 9/.test(server.log)
    })
    await server.says(/Reload 1 failed: generation 1 keeps serving: Worker \d .*code 9/)
    await eventually('only the old generation serves', async () => {
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => fetch(url, { headers: { connection: 'close' } })),
      )
      return (await Promise.all(answers.map(answer => answer.text()))).every(text => text === 'one')
    })
    await eventually('two workers', () => server.workers.length === 2)
  })
})

describe('request_timeout', () => {
  it('answers 503 for the app, and the worker lives', async () => {
    const server = launch({
      args: [
        '-b',
        '127.0.0.1:0',
        '-w',
        '1',
        '--request-timeout',
        '0.3',
        '--access-logfile',
        'access.log',
        './app.mjs',
      ],
      files: {
        'app.mjs': `export default (req, res) => {
          if (req.url === '/') return res.end('quick')
          // What it does too late must not harm anybody.
          setTimeout(() => { res.setHeader('X-Late', 'yes'); res.write('late'); res.end('later'); console.log('did it late') }, 600)
        }`,
      },
    })
    const url = await server.running()
    const [worker] = server.workers
    const response = await fetch(`${url}/slow`)
    expect(response.status).to.equal(503)
    expect(response.headers.get('connection')).to.equal('close')
    await server.says(/\[WARNING\] GET \/slow was not answered within request_timeout \(0\.3 s\)/)
    await server.says(/did it late/)
    expect(await (await fetch(url)).text()).to.equal('quick')
    expect(server.workers).to.deep.equal([worker])
    await server.stop()
    const { readFileSync } = await import('node:fs')
    expect(readFileSync(`${server.folder}/access.log`, 'utf8')).to.match(/"GET \/slow HTTP\/1\.1" 503 /)
  })

  it('aborts the signal of a fetch request', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '--request-timeout', '0.3', './app.mjs'],
      files: {
        'app.mjs': `export default { fetch: request => new Promise(() =>
          request.signal.addEventListener('abort', () => console.log('aborted'))) }`,
      },
    })
    const url = await server.running()
    expect((await fetch(url)).status).to.equal(503)
    await server.says(/aborted/)
  })

  it('waits for the answer before it on a connection, and cuts nothing of that', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '--request-timeout', '0.3', './app.mjs'],
      files: {
        'app.mjs': `export default (req, res) => {
          if (req.url !== '/stream') return
          res.write('begun')
          setTimeout(() => res.end('whole'), 1_000)
        }`,
      },
    })
    const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`
    const answers = await exchange(await server.running(), ask('/stream') + ask('/never') + ask('/never'))
    expect(answers).to.match(/^HTTP\/1\.1 200 .*begun.*whole.*HTTP\/1\.1 503 /s)
    expect(answers.match(/HTTP\/1\.1/g)).to.have.length(2)
    expect(await fresh(`${server.url}/stream`)).to.equal('begunwhole')
  })

  it('lets a response that has begun take its time', async () => {
    const server = launchApp('stream.ts', ['--request-timeout', '0.2'])
    const url = await server.running()
    expect(await (await fetch(`${url}/?chunks=5&ms=100`)).text()).to.match(/chunk 5/)
  })
})
