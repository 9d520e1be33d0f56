/** What an app says by `process.send` is no order to the arbiter, and does no harm to its worker. */
import { expect } from 'chai'
import { type LaunchOptions, launch, launchShared, type Tsicorn } from '../../support/tsicorn.ts'

/** Runs what is asked for by path: `/send?JSON` sends it, `/disconnect` closes the channel, and so on. */
const app = `
  process.on('message', message => console.log('the app heard ' + JSON.stringify(message)))
  const deeds = {
    send: json => new Promise(resolve => {
      const taken = process.send(JSON.parse(json), error => resolve('called back with ' + error))
      if (taken !== true) resolve('returned ' + taken)
    }),
    odd: () => {
      const circle = {}
      circle.circle = circle
      const all = [undefined, null, 5, 5n, '', circle, () => 1, Symbol('x'), new Proxy({}, { get() { throw 1 } }), new Error('x')]
      return all.map(value => process.send(value)).concat(process.send(), process.send('x', undefined, {}, 'no function')).join()
    },
    disconnect: () => {
      process.disconnect()
      process.disconnect()
      return String(process.connected) + process.send('after')
    },
    channel: () => {
      process.channel?.unref()
      process.channel?.ref()
      return [process.connected, typeof process.send, process.env.NODE_CHANNEL_FD].join()
    },
    children: async () => {
      const { execFileSync, fork } = await import('node:child_process')
      const { readdirSync, readlinkSync, writeFileSync } = await import('node:fs')
      const list = "const fs = require('node:fs'); const all = fs.readdirSync('/proc/self/fd').flatMap(fd => { try { return fs.readlinkSync('/proc/self/fd/' + fd) } catch { return [] } }); const text = JSON.stringify({ all, env: process.env.NODE_CHANNEL_FD });"
      const channel = readlinkSync('/proc/self/fd/3')
      const inherited = JSON.parse(execFileSync(process.execPath, ['-e', list + 'console.log(text)'], { stdio: ['inherit', 'pipe', 'inherit'] }))
      writeFileSync('child.cjs', list + "process.send(text)")
      const forked = JSON.parse(await new Promise(resolve => fork('./child.cjs').once('message', resolve)))
      return [channel.startsWith('socket:'), inherited.all.includes(channel), inherited.env, forked.all.includes(channel), forked.env].join()
    },
  }
  export default async (req, res) => {
    const [path, query] = req.url.slice(1).split('?')
    res.end(path in deeds ? String(await deeds[path](decodeURIComponent(query ?? ''))) : 'alive')
  }`

/** What took the arbiter down, and what may try to speak in tsicorn's name. */
const messages = [
  { type: 'log', level: 'info', message: 5 },
  { type: 'log' },
  { type: 'log', level: 'critical', message: 'forged' },
  { type: 'log', level: 'nonsense', message: 'forged' },
  { type: 'failed' },
  { type: 'failed', why: 'bind', message: 'forged' },
  { type: 'leaving', why: 'forged' },
  { type: 'recycle', why: 'forged' },
  { type: 'crashed', why: { toString: 'forged' } },
  { type: 'start', settings: 'forged' },
  { type: 'drain', seconds: 0, abandoned: [] },
  { type: 'quit' },
  null,
  [],
  'forged',
]

interface Started {
  readonly server: Tsicorn
  readonly ask: (path: string) => Promise<string>
}

describe('the messages of an application', () => {
  const options: LaunchOptions = {
    args: ['-b', '127.0.0.1:0', '-w', '1', './app.mjs'],
    files: { 'app.mjs': app },
  }

  async function start(): Promise<Started> {
    const server = launch(options)
    await server.running()
    return { server, ask: askerOf(server) }
  }

  function askerOf({ url }: Tsicorn): Started['ask'] {
    return async path => {
      const response = await fetch(`${url}/${path}`, { headers: { connection: 'close' } })
      return await response.text()
    }
  }

  for (const message of messages) {
    const json = JSON.stringify(message)
    it(`${json} is none of the arbiter's`, async () => {
      const server = await launchShared(options)
      const ask = askerOf(server)
      expect(await ask('')).to.equal('alive')
      const { workers } = server
      expect(await ask(`send?${encodeURIComponent(json)}`)).to.equal('called back with null')
      await server.says(
        /\[WARNING\] The app sends messages with process\.send: there is no parent to receive them/,
      )
      expect(await ask('')).to.equal('alive')
      expect(server.workers).to.deep.equal(workers)
      // The next message is the first one of another worker.
      process.kill(workers[0] as number, 'SIGTERM')
      await server.says(new RegExp(`\\(pid ${workers[0]}\\) exited with code 0: it was sent TERM`))
      expect(server.log).not.to.match(/forged/)
    })
  }

  it('may be anything, and are warned of once', async () => {
    const { server, ask } = await start()
    expect(await ask('odd')).to.equal(Array(12).fill('true').join())
    expect(await ask('send?1')).to.equal('called back with null')
    await server.stop()
    expect(server.log.match(/The app sends messages/g)).to.have.length(1)
  })

  it('are its own: it hears none of those that are not for it', async () => {
    const { server, ask } = await start()
    expect(await ask('')).to.equal('alive')
    server.signal('SIGUSR1')
    await server.reload()
    expect(await ask('')).to.equal('alive')
    await server.stop()
    expect(server.log).not.to.match(/the app heard (?!"shutdown")/)
  })

  it('may end, and the worker goes on', async () => {
    const { server, ask } = await start()
    expect(await ask('disconnect')).to.equal('falsetrue')
    expect(await ask('')).to.equal('alive')
    server.signal('SIGHUP')
    await server.says(/Worker 1 .* exited with code 0: /)
    expect(await ask('')).to.equal('alive')
  })

  it('have a channel as under other process managers', async () => {
    const { ask } = await start()
    expect(await ask('channel')).to.equal('true,function,')
  })

  it('and its child processes do not get at the channel to the arbiter', async () => {
    const { server, ask } = await start()
    expect(await ask('children')).to.equal('true,false,,false,')
    expect(await ask('')).to.equal('alive')
    await server.stop()
  })
})
