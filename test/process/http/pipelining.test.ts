/** Requests in a pipeline are answered in their turn or not run at all, also while their worker leaves. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect } from 'chai'
import { describeNearEnd } from '../../support/http/connection-ends.ts'
import { first, open, rest, statuses } from '../../support/http/raw.ts'
import { eventually, launch, type Tsicorn } from '../../support/tsicorn.ts'

/** Says what it ran, and answers at once, when the file `release` is there, or in two parts around that. */
const app = `
import { existsSync } from 'node:fs'
export default (req, res) => {
  console.log('ran ' + req.url)
  if (req.url === '/stays') res.setHeader('Connection', 'keep-alive')
  if (req.url === '/' || req.url === '/quick') return res.end('quick\\n')
  if (req.url === '/parts') res.write('one\\n')
  const timer = setInterval(() => {
    if (!existsSync('release')) return
    clearInterval(timer)
    res.end('late\\n')
  }, 20)
}
`

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`

async function serve(): Promise<Tsicorn> {
  const server = launch({ args: ['-b', '127.0.0.1:0', '-w', '1', './app.mjs'], files: { 'app.mjs': app } })
  await server.running()
  return server
}

/** Reloads, and waits until the old worker knows that it has to leave. */
async function leave(server: Tsicorn): Promise<void> {
  const socket = await open(server.url)
  const ask = async () => {
    socket.write(get('/'))
    return await first(socket)
  }
  await ask()
  server.signal('SIGHUP')
  await eventually('the old worker leaves', async () => (await ask()).includes('Connection: close'))
}

describe('pipelined requests', () => {
  it('that a worker has when it is told to leave, or gets later, are all answered', async () => {
    const server = await serve()
    const socket = await open(server.url)
    socket.write(get('/late') + get('/quick'))
    await server.says(/ran \/quick/)
    await leave(server)
    socket.write(get('/quick') + get('/late') + get('/quick'))
    server.write('release', '')
    const answers = await rest(socket)
    expect(statuses(answers)).to.deep.equal([200, 200, 200, 200, 200])
    const connections = Array.from(answers.matchAll(/^Connection: (\S+)/gm), ([, word]) => word)
    expect(connections).to.deep.equal([...Array(4).fill('keep-alive'), 'close'])
    await server.says(/exited with code 0/)
  })

  it('end where the application would keep the connection itself', async () => {
    const server = await serve()
    const socket = await open(server.url)
    socket.write(get('/stays'))
    await server.says(/ran \/stays/)
    await leave(server)
    server.write('release', '')
    const answers = await rest(socket)
    expect(statuses(answers)).to.deep.equal([200])
    expect(answers).to.match(/^Connection: close\r$/m)
    await server.says(/exited with code 0/)
  })

  it('are not run behind an answer that ends their connection', async () => {
    const server = await serve()
    const socket = await open(server.url)
    socket.write(get('/late'))
    await server.says(/ran \/late/)
    await leave(server)
    socket.write(get('/parts'))
    await server.says(/ran \/parts/)
    socket.write(get('/quick'))
    server.write('release', '')
    expect(statuses(await rest(socket))).to.deep.equal([200, 200])
    await server.says(/exited with code 0/)
    expect(server.log).not.to.contain('ran /quick')
  })

  it('are not run on an idle connection that is closed, and destroy no answers that are not read yet', async () => {
    const server = await serve()
    const { port } = new URL(server.url)
    const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    const errors: Error[] = []
    socket.on('error', error => errors.push(error)).pause()
    await once(socket, 'connect')
    socket.write(get('/') + get('/quick'))
    await server.says(/ran \/quick/)
    server.signal('SIGHUP')
    await eventually('the server has closed it', () =>
      /half closed by the other end/.test(describeNearEnd(socket, Number(port))),
    )
    // After a reset, the first one succeeds, the second one does not, and what has come is lost.
    for (const path of ['/parts', '/late']) await new Promise(sent => socket.write(get(path), sent))
    const answers = await rest(socket.resume())
    expect(errors).to.deep.equal([])
    expect(statuses(answers)).to.deep.equal([200, 200])
    await server.says(/exited with code 0/)
    expect(server.log).not.to.match(/ran \/(?:parts|late)/)
  })
})

/** Waits for the file `release`, and then for the whole body; the other shape of application does so through its Request. */
const readers: Readonly<Record<string, string>> = {
  'a listener': `
import { text } from 'node:stream/consumers'
export default async (req, res) => {
  console.log('ran ' + req.url)
  if (req.url === '/late') return eventually(() => res.end('late\\n'))
  res.end(await text(req).catch(() => { console.log('cut'); res.destroy() }))
}`,
  'a fetch handler': `
export default async request => {
  const { pathname } = new URL(request.url)
  console.log('ran ' + pathname)
  if (pathname === '/late') return new Promise(resolve => eventually(() => resolve(new Response('late\\n'))))
  try {
    return new Response(await request.text())
  } catch (error) {
    console.log('cut')
    throw error
  }
}`,
}
const waits = `
import { existsSync } from 'node:fs'
function eventually(deed) {
  const timer = setInterval(() => {
    if (!existsSync('release')) return
    clearInterval(timer)
    deed()
  }, 20)
}`
const upload = (body: string) =>
  `POST /upload HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n${body}`

describe('a body behind a request that is not answered yet', () => {
  for (const [shape, reader] of Object.entries(readers)) {
    async function begin(body = ''): Promise<{ server: Tsicorn; socket: Socket }> {
      const server = launch({
        args: ['-b', '127.0.0.1:0', '-w', '1', './app.mjs'],
        files: { 'app.mjs': waits + reader },
      })
      const socket = await open(await server.running())
      socket.write(get('/late') + upload(body))
      await server.says(/ran \/upload/)
      return { server, socket }
    }

    it(`of ${shape} ends no worker when its client resets`, async () => {
      const { server, socket } = await begin()
      socket.resetAndDestroy()
      await server.says(/cut/)
      const next = await open(server.url)
      next.write(get('/late'))
      server.write('release', '')
      expect(statuses(await first(next))).to.deep.equal([200])
      next.destroy()
      await server.stop()
      expect(server.log).not.to.match(/exited with code [^0]/)
    })

    it(`of ${shape} leaves no connection behind when its client stops sending`, async () => {
      const { server, socket } = await begin()
      socket.end()
      server.write('release', '')
      expect(statuses(await rest(socket))).to.deep.equal([200, 400])
    })

    it(`of ${shape} gets its turn to be refused when it is malformed`, async () => {
      const { server, socket } = await begin('nonsense\r\n')
      server.write('release', '')
      expect(statuses(await rest(socket))).to.deep.equal([200, 400])
    })
  }
})
