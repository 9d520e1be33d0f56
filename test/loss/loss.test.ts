/** A storm of reloads, and drains, of real servers: nothing is left of it. `npm run loss` counts requests in a storm. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { eventually, isAlive, launch, launchApp, type Tsicorn } from '../support/tsicorn.ts'
import { descriptorsOf, examineWorkers } from './census.ts'

describe('a storm of HUP', () => {
  const storm = 200

  it('ends with the newest generation only, and as many workers and descriptors as before', async function () {
    this.timeout(240_000)
    const server = launchApp('hello.ts', ['-w', '2'])
    await server.running()
    await server.reload()
    await eventually('two workers', () => server.workers.length === 2)
    const before = await descriptors(server)
    for (let sent = 0; sent < storm; sent += 1) {
      server.signal('SIGHUP')
      await sleep(pauseMs)
    }
    await eventually('the newest reload is over', () => newestReload(server).isOver)
    await eventually('two workers', () => server.workers.length === 2)
    expect(examineWorkers(server, 2)).to.deep.equal([])
    const after = await descriptors(server)
    expect(after.arbiter).to.equal(before.arbiter)
    // One may not have opened yet what it opens once.
    expect(Math.max(...after.workers)).to.be.at.most(Math.max(...before.workers))
    const everybody = Array.from(server.log.matchAll(/Booting worker \d+ \(pid (\d+)\)/g), ([, pid]) =>
      Number(pid),
    )
    expect(everybody.filter(isAlive)).to.have.members(server.workers)
  })
})

describe('a drain', () => {
  const pieces = 60
  const piece = Buffer.alloc(65_536)

  it('lets a client read an answer that came before all of its request was sent', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-w', '1', './app.mjs'],
      files: {
        'app.mjs': `export default (req, res) => {
          process.stdout.write('asked')
          setTimeout(() => res.end('early'), 300)
        }`,
      },
    })
    const { hostname, port } = new URL(await server.running())
    const socket = connect(Number(port), hostname).setEncoding('latin1').pause()
    socket.write(`POST / HTTP/1.1\r\nHost: test\r\nContent-Length: ${pieces * piece.length}\r\n\r\n`)
    await server.says(/asked/)
    server.signal('SIGTERM')
    // Many clients read nothing before they have sent everything.
    for (let sent = 0; sent < pieces; sent += 1) {
      socket.write(piece)
      await sleep(pauseMs)
    }
    const answer = await socket.toArray()
    expect(answer.join('')).to.match(/^HTTP\/1\.1 200 OK\r\n(.+\r\n)*Connection: close\r\n(.*\r\n)*.*early/)
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
  })

  it('does not wait for a client that sent the rest of its request after the answer', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-w', '1', './app.mjs'],
      files: { 'app.mjs': `export default (req, res) => res.end('early')` },
    })
    const { hostname, port } = new URL(await server.running())
    const socket = connect(Number(port), hostname)
    socket.write(`POST / HTTP/1.1\r\nHost: test\r\nContent-Length: ${piece.length}\r\n\r\n`)
    await once(socket, 'data')
    socket.write(piece)
    server.signal('SIGHUP')
    await server.says(/Worker 1 .* exited with code 0: replaced/)
    expect(server.log).to.not.match(/cutting/)
  })
})

/** Between two signals, or two pieces of a request, in milliseconds. */
const pauseMs = 10

/** Signals that come while one of their kind is pending are one signal, so that fewer reloads begin than were asked for. */
function newestReload({ log }: Tsicorn): { readonly isOver: boolean } {
  const newest = Array.from(log.matchAll(/Reload (\d+): reading/g)).at(-1)
  const since = log.slice(newest?.index)
  // One that was asked for meanwhile is yet to come.
  const isLast = !since.includes('The reload follows')
  return { isOver: isLast && new RegExp(`Reload ${newest?.[1]}: generation \\d+ serves`).test(since) }
}

async function descriptors(
  server: Tsicorn,
): Promise<{ readonly arbiter: number; readonly workers: readonly number[] }> {
  return {
    arbiter: await descriptorsOf(server.pid),
    workers: await Promise.all(server.workers.map(descriptorsOf)),
  }
}
