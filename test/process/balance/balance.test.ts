/** Connections that stay open are spread over all workers, and no connection waits for a worker that cannot take it. */
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { first, open } from '../../support/http/raw.ts'
import { launchText, type Tsicorn } from '../../support/tsicorn.ts'

const app = 'export default (req, res) => res.end(String(process.pid))'
const get = 'GET / HTTP/1.1\r\nHost: test\r\n\r\n'

describe('connections that stay open', () => {
  const sockets: Socket[] = []
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy()
  })

  /** The worker that answers, by a connection that then stays open. */
  async function ask(connecting: Promise<Socket> | Socket): Promise<number> {
    const socket = await connecting
    sockets.push(socket)
    socket.write(get)
    return Number(/\r\n\r\n(\d+)$/.exec(await first(socket))?.[1])
  }

  function counts(pids: readonly number[], server: Tsicorn): number[] {
    return server.workers.map(worker => pids.filter(pid => pid === worker).length)
  }

  it('are spread over all workers', async () => {
    const server = launchText(app, ['-w', '8'])
    const url = await server.running()
    const pids = await Promise.all(Array.from({ length: 400 }, () => ask(open(url))))
    expect(Math.max(...counts(pids, server)) / 50).to.be.at.most(1.3)
  })

  it('of a unix socket, too', async () => {
    const server = launchText(app, ['-w', '4', '-b', 'unix:app.sock'])
    await server.running()
    const path = join(server.folder, 'app.sock')
    const pids = await Promise.all(Array.from({ length: 200 }, () => ask(connect(path))))
    expect(Math.max(...counts(pids, server)) / 50).to.be.at.most(1.3)
  })

  it('are served by the others while a worker that has few is stopped', async () => {
    const server = launchText(app, ['-w', '2', '--timeout', '0'])
    const url = await server.running()
    const [stopped] = server.workers as [number]
    process.kill(stopped, 'SIGSTOP')
    const pids = await Promise.all(Array.from({ length: 60 }, () => ask(open(url))))
    expect(pids).not.to.include(stopped)
    process.kill(stopped, 'SIGCONT')
  })

  it('are all served over reloads and at the end', async () => {
    const server = launchText(app, ['-w', '2'])
    const url = await server.running()
    let isOver = false
    const serving = (async () => {
      const pids: number[] = []
      while (!isOver) {
        pids.push(...(await Promise.all(Array.from({ length: 40 }, () => ask(open(url))))))
        for (const socket of sockets.splice(0, Math.max(0, sockets.length - 200))) socket.destroy()
      }
      return pids
    })()
    for (let reload = 0; reload < 3; reload += 1) await server.reload()
    isOver = true
    expect((await serving).every(pid => pid > 0)).to.equal(true)
  })
})
