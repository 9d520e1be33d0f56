/** `tsicornc` and the control socket of real servers. */
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { Client } from '../../../control/client/client.ts'
import type { WorkerRow } from '../../../control/protocol/messages.ts'
import { fakeServer } from '../../support/terminal/fake-server.ts'
import {
  eventually,
  isAlive,
  launch,
  launchApp,
  launchText,
  makeFolder,
  type Tsicorn,
} from '../../support/tsicorn.ts'
import { control, type Running, socketOf, start, tsicornc } from '../../support/tsicornc.ts'

const hello = `export default (req, res) => res.end('hello')`

/** Makes something happen until this stream of events tells it: then it is connected. */
async function heard(server: Tsicorn, events: Running): Promise<void> {
  let isHeard = false
  const told = events.says(/"wanted"/).then(() => {
    isHeard = true
  })
  await eventually('the events are told', async () => {
    await control(server, 'scale', '2')
    await control(server, 'scale', '1')
    return isHeard
  })
  await told
}

describe('tsicornc', () => {
  it('lists the servers of this user, and asks which one where there are several', async () => {
    const nobody = await tsicornc('--name', 'nobody', 'status')
    expect(nobody.code).to.equal(3)
    expect(nobody.stderr).to.match(/^tsicornc: No server of this user has name "nobody": /)
    const one = launchApp('hello.ts', ['--name', 'one'])
    const two = launchApp('hello.ts', ['--name', 'two'])
    await one.running()
    await two.running()
    const { stdout } = await tsicornc('list')
    expect(stdout).to.match(new RegExp(`^ *${one.pid}  one +running +1/1 +1 `, 'm'))
    expect(stdout).to.match(new RegExp(`^ *${two.pid}  two +running +1/1 +1 `, 'm'))
    const several = await tsicornc('status')
    expect(several.code).to.equal(4)
    expect(several.stderr).to.match(/There are \d+ servers: choose one with --pid or --name: \d+ \(/)
    const named = await tsicornc('--name', 'two', '--json', 'hello')
    expect(JSON.parse(named.stdout)).to.include({ pid: two.pid, name: 'two', phase: 'running' })
    const unknown = await tsicornc('--name', 'three', 'status')
    expect(unknown.code).to.equal(3)
    expect(unknown.stderr).to.match(/No server of this user has name "three": there are \d+ \(.+\), \d+/)
  })

  it('finds a server by its pidfile, and by a control socket of its own, which list shows as well', async () => {
    const server = launchText(hello, ['-p', 'app.pid', '--control-socket', 'app.ctl'])
    await server.running()
    for (const how of [
      ['--pidfile', join(server.folder, 'app.pid')],
      ['--socket', join(server.folder, 'app.ctl')],
    ])
      expect(JSON.parse((await tsicornc(...how, '-j', 'hello')).stdout)).to.include({ pid: server.pid })
    expect((await tsicornc('list')).stdout).to.include(`${server.pid}`)
    await server.stop()
    expect(existsSync(join(server.folder, 'app.ctl'))).to.equal(false)
    expect(readdirSync(dirname(socketOf(server)))).to.deep.equal([])
  })

  it('shows workers, listeners, totals and settings', async () => {
    const server = launchApp('hello.ts', ['-w', '2', '--env', 'PASSWORD=a=secret'])
    const url = await server.running()
    for (let asked = 0; asked < 5; asked += 1) await (await fetch(url)).text()
    await eventually('the requests are on the scoreboard', async () => {
      const { workers } = JSON.parse((await control(server, '-j', 'show', 'workers')).stdout)
      return workers.reduce((sum: number, { requests }: { requests: number }) => sum + requests, 0) === 5
    })
    const status = await control(server, 'status')
    expect(status.stdout).to.match(/running, generation 1/)
    expect(status.stdout).to.match(/AGE +PID +STATE/)
    expect(status.stdout).to.include(url)
    expect((await control(server, 'show', 'workers')).stdout.split('\n')[1]).to.match(/^ +1 +\d+ +ready/)
    expect((await control(server, 'show', 'config')).stdout).to.match(/^workers +2 +-w$/m)
    const config = (await control(server, '--json', 'show', 'config')).stdout
    expect(config).to.include('PASSWORD=(hidden)').and.not.include('secret')
    expect((await control(server, 'show', 'listeners')).stdout).to.match(/tcp +0$/m)
    expect((await control(server, 'show', 'stats')).stdout).to.match(/Workers: {2}2 of 2, 2 started so far/)
    const all = JSON.parse((await control(server, '--json', 'show', 'all')).stdout)
    expect(all).to.have.keys('arbiter', 'workers', 'listeners', 'stats')
    const workers = all.workers as readonly WorkerRow[]
    for (const { cpu_ms } of workers) expect(cpu_ms).to.be.above(0)
    const counts = workers.flatMap(row => row.responses_by_duration.map(([, count]) => count))
    expect(counts.reduce((sum, count) => sum + count)).to.equal(5)
  })

  it('reloads, and returns the outcome', async () => {
    const server = launchText(hello, [], { errors: true })
    await server.running()
    const good = await control(server, 'reload')
    expect(good.code).to.equal(0)
    expect(good.stdout).to.match(
      /Worker 2 \(pid \d+, generation 2\) is ready[\s\S]*Reloaded: generation 2 serves \(\d/,
    )
    server.write('app.mjs', `throw new Error('no database')`)
    const bad = await control(server, 'reload')
    expect(bad.code).to.equal(1)
    expect(bad.stderr).to.match(/^tsicornc: Reload 2 failed: The app .*no database/)
    server.write('app.mjs', hello)
    // The second may start the first one over: then both have the same outcome.
    const both = await Promise.all([control(server, '-j', 'reload'), control(server, '-j', 'reload')])
    expect(both.map(({ code }) => code)).to.deep.equal([0, 0])
    const stats = JSON.parse((await control(server, '-j', 'show', 'stats')).stdout)
    expect(stats).to.include({ reloads_failed: 1, last_failure: null })
  })

  it('passes no control characters on to a terminal, and keeps lines', async () => {
    const evil = 'evil\x1b]0;title\x07\nforged'
    const hello = {
      name: evil,
      pid: 1,
      version: evil,
      phase: evil,
      generation: 1,
      wanted: 1,
      ready: 1,
      uptime: 1,
    }
    const counts = {
      uptime: 1,
      workers_current: 1,
      workers_target: 1,
      workers_spawned: 1,
      reloads: 0,
      reloads_failed: 1,
    }
    const stats = { ...counts, workers_ended: {}, last_failure: evil }
    const entry = { at: 0, level: 'info', pid: 1, message: 'first\x1b[2J\n\tsecond\u202e' }
    const socket = await fakeServer(
      { hello, 'show stats': stats },
      {
        logs: entry,
        events: { type: 'worker exited', at: 0, text: evil },
        reload: new Error(evil),
      },
    )
    const shown = async (...args: readonly string[]) => {
      const { stdout, stderr } = await tsicornc('--socket', socket, ...args)
      return stdout + stderr
    }
    expect(await shown('show', 'stats'))
      .to.include('evil?]0;title? forged')
      .and.not.include('\x1b')
    expect(await shown('logs')).to.match(/\[INFO\] first\?\[2J\n\tsecond\?\n$/)
    expect(await shown('events')).to.match(/evil\?\]0;title\?\nforged\n/)
    expect(await shown('reload')).to.equal('tsicornc: evil?]0;title?\nforged\n')
    expect(await shown('events', '--json')).to.include('\\u001b')
  })

  it('says of a server that stands still that it does not answer, as soon as --timeout wants it', async () => {
    const server = launchApp('hello.ts')
    await server.running()
    server.signal('SIGSTOP')
    try {
      for (const args of [
        ['--pid', `${server.pid}`],
        ['--socket', socketOf(server)],
      ]) {
        const { code, stderr } = await tsicornc(...args, 'status', '--timeout', '0.2')
        expect(stderr).to.match(/^tsicornc: The server at .*\.sock has not answered after 0.2 s\n$/)
        expect(code).to.equal(7)
      }
      const { code, stderr } = await tsicornc('--name', 'none-of-this-name', 'status', '--timeout', '0.2')
      expect(stderr).to.match(/has not answered after 0.2 s/)
      expect(code).to.equal(7)
      const patient = await tsicornc('--pid', `${server.pid}`, 'status')
      expect(patient.stderr).to.match(/^tsicornc: The server at .*\.sock does not answer\n$/)
      expect(patient.code).to.equal(5)
    } finally {
      server.signal('SIGCONT')
    }
  })

  it('gives up waiting after --timeout, and the server goes on', async () => {
    const server = launchText(hello)
    await server.running()
    server.write(
      'app.mjs',
      `import { existsSync } from 'node:fs'
      while (!existsSync('go')) await new Promise(resolve => setTimeout(resolve, 20))
      ${hello}`,
    )
    const late = await control(server, 'reload', '--timeout', '0.5')
    expect(late.code).to.equal(7)
    expect(late.stderr).to.include('There is no outcome after 0.5 s, and the server goes on with it')
    const ready = start(['--pid', `${server.pid}`, 'wait', 'ready'])
    server.write('go', '')
    await server.says(/generation 2 serves/)
    expect(await ready.ended).to.include({ code: 0, stdout: 'Ready\n' })
  })

  it('waits for the first workers, and for a start that is tried again', async () => {
    const server = launchText(`throw new Error('not yet')`, ['--reload'], { errors: true })
    await server.says(/Waiting for a change/)
    const early = start(['--pid', `${server.pid}`, 'wait', 'ready'])
    expect(await control(server, 'reload')).to.deep.include({ code: 1 })
    server.write('app.mjs', hello)
    await server.running()
    expect(await early.ended).to.include({ code: 0, stdout: 'Ready\n' })
  })

  it('scales, replaces a worker, and reopens logs', async () => {
    const server = launchApp('hello.ts', ['--error-logfile', 'error.log'])
    await eventually(
      'it runs',
      () => existsSync(join(server.folder, 'error.log')) && /Running/.test(server.read('error.log')),
    )
    const scaled = await control(server, 'scale', '3')
    expect(scaled).to.deep.include({ code: 0, stdout: 'Wanted: 3 workers (before: 1)\n' })
    await eventually('three workers', () => server.workers.length === 3)
    expect((await control(server, 'worker', 'remove', '5')).stdout).to.equal(
      'Wanted: 1 workers (before: 3)\n',
    )
    await eventually('one worker', () => server.workers.length === 1)
    const [pid = 0] = server.workers
    expect((await control(server, 'worker', 'kill', `${pid}`)).code).to.equal(0)
    await eventually('another worker', () => server.workers.length === 1 && !server.workers.includes(pid))
    const { stdout } = await control(server, 'show', 'stats')
    expect(stdout).to.match(/Ended: +3 expected/)
    expect((await control(server, 'reopen')).code).to.equal(0)
    expect((await control(server, 'worker', 'kill', `${pid}`)).stderr).to.match(
      /needs the process id of a worker/,
    )
    expect((await control(server, 'scale', '0')).stderr).to.match(/1 or more/)
    expect((await control(server, 'scale', '9999')).stderr).to.match(/At most 4096 workers/)
  })

  it('streams events and log lines', async () => {
    const server = launchApp('hello.ts')
    await server.running()
    const events = start(['--pid', `${server.pid}`, 'events', '--json'])
    const logs = start(['--pid', `${server.pid}`, 'logs', '--follow', '--level', 'info'])
    await logs.says(/Running: 1 worker ready/)
    await heard(server, events)
    await logs.says(/\[INFO\] Wanted: 2 workers/)
    const [worker = 0] = server.workers
    const { workers } = JSON.parse((await control(server, '-j', 'show', 'workers')).stdout)
    const { age } = workers.find(({ pid }: { pid: number }) => pid === worker)
    expect((await control(server, 'logs', '--worker', `${age}`)).stdout).to.not.include(`[${server.pid}]`)
    events.interrupt()
    await server.stop()
    // The stream ends with the server.
    expect((await logs.ended).code).to.equal(6)
    await events.ended
  })

  it('upgrades: the new arbiter has the socket when the old one is gone', async () => {
    const server = launchText(hello, ['-p', 'app.pid', '--control-socket', 'app.ctl'])
    await server.running()
    const socket = join(server.folder, 'app.ctl')
    const { code, stdout } = await tsicornc('--socket', socket, 'upgrade', '--bake', '0.5')
    expect(code).to.equal(0)
    expect(stdout).to.match(
      /The new arbiter serves[\s\S]*Watching[\s\S]*The old arbiter is gone\nUpgraded: pid \d+\n/,
    )
    await server.says(/Promoted/)
    const found = JSON.parse((await tsicornc('--socket', socket, '-j', 'hello')).stdout)
    expect(found).to.include({ pid: Number(server.read('app.pid')), old_arbiter: null, new_arbiter: null })
    expect(existsSync(`${socket}.2`)).to.equal(false)
    expect((await tsicornc('--socket', socket, 'shutdown')).code).to.equal(0)
    await eventually('it is gone', () => !isAlive(found.pid))
    expect(existsSync(socket)).to.equal(false)
  })

  it('takes an upgrade back if the new arbiter has trouble', async () => {
    const server = launchText(hello, [], { errors: true })
    await server.running()
    server.write('app.mjs', `setTimeout(() => { throw new Error('trouble') }, 700)\n${hello}`)
    const { code, stderr } = await control(server, 'upgrade', '--bake', '30')
    expect(stderr).to.match(/The upgrade was taken back, and the old arbiter serves: Worker 1 .*trouble/)
    expect(code).to.equal(1)
    await server.says(/The new arbiter ended/)
    expect(JSON.parse((await control(server, '-j', 'hello')).stdout)).to.include({ new_arbiter: null })
    server.write('app.mjs', `throw new Error('broken')`)
    const broken = await control(server, 'upgrade')
    expect(broken).to.include({ code: 1 })
    expect(broken.stderr).to.match(/The new arbiter ended with code 3/)
  })

  it('ends quietly when nobody reads its output any more', async () => {
    const server = launchApp('hello.ts')
    await server.running()
    const logs = start(['--pid', `${server.pid}`, 'logs', '--follow'])
    await logs.says(/Running/)
    logs.closeOutput()
    expect((await control(server, 'scale', '2')).code).to.equal(0)
    const { code, stderr } = await logs.ended
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
  })

  it('says that a server takes no more clients', async () => {
    const server = launchApp('hello.ts')
    await server.running()
    const clients = await Promise.all(Array.from({ length: 64 }, () => Client.connect(socketOf(server))))
    const streams = clients.map(client => client.ask('events').catch(() => undefined))
    for (const client of clients) await client.ask('hello')
    const { code, stderr } = await control(server, 'status')
    expect(code).to.equal(6)
    expect(stderr).to.match(/^tsicornc: The server at .* ended the connection before its answer\n$/)
    for (const client of clients) client.close()
    await Promise.all(streams)
  })

  it('says that a connection is lost, and that a socket is stale', async () => {
    const server = launchApp('hang.ts')
    await server.running()
    const events = start(['--pid', `${server.pid}`, 'events', '--json'])
    await heard(server, events)
    server.signal('SIGKILL')
    const lost = await events.ended
    expect(lost.code).to.equal(6)
    expect(lost.stderr).to.match(/ended the connection before its answer/)
    await server.ended
    const stale = await tsicornc('--socket', socketOf(server), 'status')
    expect(stale.code).to.equal(3)
    expect(stale.stderr).to.match(/no server listens there any more: its process has ended/)
    expect(existsSync(socketOf(server))).to.equal(false)
  })

  it('says so if something else answers', async () => {
    const folder = makeFolder()
    const path = join(folder, 'other.sock')
    const other = net.createServer(socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(path)
    const foreign = await tsicornc('--socket', path, 'status')
    other.close()
    expect(foreign.code).to.equal(5)
    expect(foreign.stderr).to.match(/No tsicorn answers at .*other.sock: A message has 1213486160 bytes/)
    for (const [data, why] of [
      ['null', 'what it sends is no answer'],
      ['{"id":1,"status":"ok","data":null}', 'it does not say who it is'],
      ['{"id":1,"status":"ok","data":{"pid":"1"}}', 'it does not say who it is'],
    ] as const) {
      const head = Buffer.alloc(4)
      head.writeUInt32BE(data.length)
      const speaker = net.createServer(socket => socket.write(Buffer.concat([head, Buffer.from(data)])))
      speaker.listen(path)
      const answer = await tsicornc('--socket', path, 'status')
      speaker.close()
      expect(answer.code).to.equal(5)
      expect(answer.stderr).to.equal(`tsicornc: No tsicorn answers at ${path}: ${why}\n`)
    }
    const long = await tsicornc('--socket', `/${'x'.repeat(107)}`, 'status')
    expect(long.code).to.equal(5)
    expect(long.stderr).to.match(/^tsicornc: Cannot connect to \/x+: a path may have 107 bytes at most\n$/)
    expect((await tsicornc('--socket', '3000', 'status')).stderr).to.match(/3000: there is no such socket/)
    writeFileSync(join(folder, 'file'), '')
    expect((await tsicornc('--socket', join(folder, 'file'), 'status')).code).to.equal(3)
  })
})

describe('the control socket', () => {
  it('is for its user alone, in a folder that nobody else can enter', async () => {
    const server = launchApp('hello.ts')
    await server.running()
    expect(statSync(socketOf(server)).mode & 0o777).to.equal(0o600)
    expect(statSync(dirname(socketOf(server))).mode & 0o777).to.equal(0o700)
  })

  it('has the permissions that were asked for', async () => {
    const server = launchApp('hello.ts', ['--control-socket', 'app.ctl', '--control-socket-mode', '0660'])
    await server.running()
    expect(statSync(join(server.folder, 'app.ctl')).mode & 0o777).to.equal(0o660)
  })

  it('is left out where it is not wanted, or no folder is private', async () => {
    const off = launchApp('hello.ts', ['--no-control-socket'])
    await off.running()
    expect(existsSync(socketOf(off))).to.equal(false)
    const folder = makeFolder()
    mkdirSync(join(folder, 'run/tsicorn'), { recursive: true })
    chmodSync(join(folder, 'run/tsicorn'), 0o777)
    chmodSync(join(folder, 'run'), 0o777)
    const quiet = launchApp('hello.ts', [], {
      env: { XDG_RUNTIME_DIR: join(folder, 'run'), HOME: '/nonexistent' },
    })
    await quiet.running()
    expect(readdirSync(join(folder, 'run/tsicorn'))).to.deep.equal([])
    expect(quiet.log).to.not.match(/control socket/)
  })

  it('that cannot be made is said, and the server serves', async () => {
    const folder = makeFolder({ 'app.mjs': hello, 'taken.ctl': '' })
    for (const [path, why] of [
      ['taken.ctl', /There is no control socket: ".*taken.ctl": there is a file that is no socket/],
      [
        'missing/app.ctl',
        /There is no control socket: .* the folder ".*missing" does not exist: create it first/,
      ],
    ] as const) {
      const server = launch({ folder, args: ['-b', '127.0.0.1:0', '--control-socket', path, './app.mjs'] })
      await server.running()
      expect(server.log).to.match(why)
      await server.stop()
    }
  })

  it('of another server is left to it', async () => {
    const folder = makeFolder({ 'app.mjs': hello })
    const args = ['-b', '127.0.0.1:0', '--control-socket', 'app.ctl', './app.mjs']
    const first = launch({ folder, args })
    await first.running()
    const second = launch({ folder, args })
    await second.running()
    expect(second.log).to.match(/There is no control socket: .* another process listens there/)
    await second.stop()
    expect((await tsicornc('--socket', join(folder, 'app.ctl'), '-j', 'hello')).code).to.equal(0)
  })
})
