/** What a worker with threads serves: apps of all shapes, each in every thread, over everything that a worker speaks. */

import { once } from 'node:events'
import { connect } from 'node:http2'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { Authority } from '../../support/certificates.ts'
import { fresh, overUnixSocket } from '../../support/requests.ts'
import { eventually, freePort, launch } from '../../support/tsicorn.ts'
import { launchThreads, placeApp, placesOf } from './thread-app.ts'

const served = fileURLToPath(new URL('../../apps/served', import.meta.url))

const threaded = ['-k', 'threads', '--threads', '2', '-b', '127.0.0.1:0', '--log-level', 'debug']

const shapes = [
  ['listener.ts', 'request listener'],
  ['listener.cjs', 'request listener'],
  ['express.ts', 'Express application'],
  ['fastify.ts', 'Fastify application'],
  ['hono.ts', 'fetch handler'],
  ['http-server.cjs', 'http.Server'],
  ['listens.mjs', 'server that the app told to listen'],
  ['listens.cjs', 'server that the app told to listen'],
] as const

describe('a worker with threads', () => {
  it('serves with an instance of the app in each thread of one process', async () => {
    const server = launchThreads(placeApp, ['-w', '2', '--threads', '3'])
    const places = [...(await placesOf(await server.running(), 6)).values()]
    expect(new Set(places.map(({ pid }) => pid)).size).to.equal(2)
    expect(new Set(places.map(({ pid }) => pid))).to.deep.equal(new Set(server.workers))
    expect(places.map(({ instance }) => instance).sort()).to.deep.equal(['0', '1', '2', '3', '4', '5'])
    expect(places.filter(({ thread }) => thread === '2')).to.have.length(2)
  })

  for (const [file, shape] of shapes)
    it(`serves a ${shape} from ${file}`, async () => {
      const server = launch({ args: [...threaded, file], folder: served })
      const url = await server.running()
      expect(server.log).to.include(`The app is a ${shape}`)
      const answers = await Promise.all(
        Array.from({ length: 6 }, async () => await (await fetch(url)).text()),
      )
      expect(new Set(answers).size).to.equal(1)
      expect(answers[0]).not.to.equal('')
    })

  it('serves TypeScript that needs tsx, in the app and in the configuration', async () => {
    const server = launch({
      args: ['--log-level', 'debug'],
      files: {
        'app.ts': `enum Words { Hello = 'hello' }
          export default (_: unknown, res: { end(text: string): void }) => res.end(Words.Hello)`,
        'tsicorn.config.ts': `enum Numbers { Two = 2 }
          export default { app: './app.ts', bind: '127.0.0.1:0', worker_class: 'threads', threads: Numbers.Two,
            post_fork: (_server: unknown, worker: { log: { info(text: string): void }, thread: number }) =>
              worker.log.info('forked ' + worker.thread + Numbers.Two) }`,
      },
    })
    const url = await server.running()
    expect(await fresh(url)).to.equal('hello')
    expect(server.log).to.include('forked 02').and.to.include('forked 12')
    await server.reload()
    expect(await fresh(url)).to.equal('hello')
  })

  it('is what --threads asks for, with an app for Node', async () => {
    const server = launch({
      args: ['--threads', '2', '-b', '127.0.0.1:0', './app.mjs'],
      files: { 'app.mjs': placeApp },
    })
    await server.says(/threads is 2: worker_class is threads; say so with -k threads/)
    expect((await placesOf(await server.running(), 2)).size).to.equal(2)
  })

  it('listens on all addresses, also on those that only the app asks for', async () => {
    const port = await freePort()
    const text = `
      import { createServer } from 'node:http'
      createServer((req, res) => res.end('main')).listen(process.env.PORT)
      createServer((req, res) => res.end('metrics')).listen(${port})`
    const server = launchThreads(text, ['-b', 'unix:app.sock'])
    const url = await server.running()
    for (let count = 0; count < 6; count += 1) {
      expect(await fresh(url)).to.equal('main')
      expect(await fresh(`http://127.0.0.1:${port}`)).to.equal('metrics')
      expect(await overUnixSocket(`${server.folder}/app.sock`)).to.equal('main')
    }
  })

  it('speaks TLS and HTTP/2 in each thread', async () => {
    const authority = new Authority()
    const { cert, key } = authority.sign('localhost')
    authority.remove()
    const args = ['--certfile', 'cert.pem', '--keyfile', 'key.pem', '--http-protocols', 'h2,h1']
    const server = launchThreads(placeApp, args, { files: { 'cert.pem': cert, 'key.pem': key } })
    const url = await server.running()
    const threads = new Set<string>()
    while (threads.size < 2) {
      const session = connect(url.replace('127.0.0.1', 'localhost'), { ca: authority.cert })
      const stream = session.request({ ':path': '/' }).setEncoding('utf8')
      let text = ''
      for await (const part of stream) text += part
      threads.add(JSON.parse(text).thread)
      session.close()
      await once(session, 'close')
    }
    expect(threads).to.deep.equal(new Set(['0', '1']))
  })

  it('counts what all threads have served, and writes the access log from each', async () => {
    const server = launchThreads(placeApp, ['--access-logfile', 'access.log', '--max-requests', '40'])
    const url = await server.running()
    for (let count = 0; count < 40; count += 1) await fresh(url)
    await server.says(/Worker 1 \(pid \d+\) asks for a successor: max_requests: 4\d requests/)
    await server.says(/Worker 1 \(pid \d+\) exited with code 0/)
    await eventually(
      'all lines are written',
      () => server.read('access.log').trim().split('\n').length === 40,
    )
  })

  it('has a share of worker_connections for each thread', async () => {
    const text = `
      let open = 0
      export default async (req, res) => {
        open += 1
        if (req.url === '/count') return res.end(String(open))
        console.log('has begun')
        setTimeout(() => res.end('done'), 300)
      }`
    const server = launchThreads(text, ['--worker-connections', '2'])
    const url = await server.running()
    const all = Promise.all(Array.from({ length: 6 }, async () => await fresh(`${url}/slow`)))
    await server.says(/has begun\n/)
    expect(await all).to.deep.equal(Array(6).fill('done'))
  })
})
