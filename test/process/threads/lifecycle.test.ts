/** Workers with threads come and go as others do: reloads, drains, hooks, crashes, stuck threads. */
import { expect } from 'chai'
import { heard, launchHooked, sentence, talkative } from '../../support/hooked.ts'
import { Load } from '../../support/http/load.ts'
import { reloadTwice } from '../../support/http/reloads.ts'
import { fresh } from '../../support/requests.ts'
import { eventually, isAlive } from '../../support/tsicorn.ts'
import { launchThreads, placeApp, placesOf } from './thread-app.ts'

const versioned = (version: number) => `
  export default (req, res) => {
    if (req.url !== '/slow') return res.end('v${version}')
    console.log('a slow one has begun')
    setTimeout(() => res.end('v${version}'), 1000)
  }`

/** Fails in the ways that its requests ask for. */
const failing = `
  import { setTimeout as sleep } from 'node:timers/promises'
  const where = JSON.stringify({ pid: process.pid, thread: process.env.TSICORN_THREAD_INDEX })
  function spin() { for (let count = 0; ; count += 1) void count }
  export default async (req, res) => {
    if (req.url === '/throw/' + process.env.TSICORN_THREAD_INDEX) return setImmediate(() => { throw new Error('boom') })
    if (req.url === '/exit') process.exit(7)
    if (req.url === '/memory') { const all = []; for (;;) all.push(new Array(1e6).fill({})) }
    if (req.url === '/stuck') spin()
    if (req.url === '/slow') {
      console.log('a slow one has begun in ' + process.env.TSICORN_THREAD_INDEX)
      await sleep(1500)
    }
    res.end(where)
  }`

describe('a worker with threads', () => {
  it('is replaced by reloads that lose nothing, and drains on TERM', async () => {
    const server = launchThreads(versioned(1), ['-w', '2'])
    const url = await server.running()
    await reloadTwice(server, { file: 'app.mjs', text: versioned, clients: 4 })
    const last = Promise.all([1, 2, 3].map(async () => await fresh(`${url}/slow`)))
    await server.says(/a slow one has begun/)
    await server.says(/a slow one has begun/)
    await server.says(/a slow one has begun/)
    server.signal('SIGTERM')
    expect(await last).to.deep.equal(['v3', 'v3', 'v3'])
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
  })

  it('drains when it is sent TERM itself, and is replaced', async () => {
    const server = launchThreads(versioned(1))
    const url = await server.running()
    const slow = fresh(`${url}/slow`)
    await server.says(/a slow one has begun/)
    process.kill(server.workers[0] as number, 'SIGTERM')
    expect(await slow).to.equal('v1')
    await eventually('it is replaced', () => /Worker 2 \(pid \d+\) is ready/.test(server.log))
    await eventually('it leaves', () => /Worker 1 .* exited with code 0: it was sent TERM/.test(server.log))
  })

  it('leaves at once on INT, as when a terminal sends it to all processes', async () => {
    const server = launchThreads(versioned(1))
    await server.running()
    process.kill(server.workers[0] as number, 'SIGINT')
    await server.says(/Worker 2 \(pid \d+\) is ready/)
    expect(server.log)
      .to.match(/Worker 1 \(pid \d+\) exited with code 0/)
      .and.not.to.include('[ERROR]')
  })

  it('finishes its requests when its arbiter is killed', async () => {
    const server = launchThreads(versioned(1))
    const url = await server.running()
    const slow = Promise.all([1, 2, 3, 4].map(async () => await fresh(`${url}/slow`)))
    for (let count = 0; count < 4; count += 1) await server.says(/a slow one has begun/)
    const [worker] = server.workers
    server.signal('SIGKILL')
    expect(await slow).to.deep.equal(['v1', 'v1', 'v1', 'v1'])
    await eventually('it leaves', () => !isAlive(worker as number))
  })

  it('calls the hooks of workers in each thread, and those of the arbiter once', async () => {
    const args = ['-k', 'threads', '--threads', '2']
    const server = launchHooked(talkative, { args })
    const url = await server.running()
    await server.says(/hook when_ready.*\n/)
    expect(heard(server).map(sentence).sort()).to.deep.equal(
      [
        'nworkers_changed in arbiter',
        'on_starting in arbiter',
        'pre_fork of 1 in arbiter',
        'post_fork of 1 in 1',
        'post_fork of 1 in 1',
        'post_worker_init of 1 in 1',
        'post_worker_init of 1 in 1',
        'when_ready in arbiter',
      ].sort(),
    )
    const booted = heard(server).length
    await fresh(url)
    await server.says(/hook post_request.*\n/)
    await server.stop()
    expect(heard(server).slice(booted).map(sentence).sort()).to.deep.equal(
      [
        'pre_request of 1 in 1',
        'post_request of 1 in 1',
        'worker_exit of 1 in 1',
        'worker_exit of 1 in 1',
        'child_exit of 1 in arbiter',
        'on_exit in arbiter',
      ].sort(),
    )
  })

  it('that loses a thread by an uncaught error says which, and serves until it is replaced', async () => {
    const server = launchThreads(failing, [], { errors: true })
    const url = await server.running()
    const slow = fresh(`${url}/slow`)
    const [, busy] = await server.says(/a slow one has begun in (\d)/)
    const other = busy === '0' ? '1' : '0'
    // The kernel chooses the thread of a connection.
    while (await isAnswered(`${url}/throw/${other}`));
    await server.says(
      new RegExp(
        `\\[ERROR\\] Thread ${other} of 2: uncaught Error: boom: this costs the worker, whose 1 other thread will serve until it is replaced`,
      ),
    )
    // Those of the thread are lost, and no other.
    const load = new Load({ url, clients: 2, keepAlive: false })
    expect(JSON.parse(await slow).thread).to.equal(busy)
    await server.says(/Worker 2 \(pid \d+\) is ready/)
    await server.says(/Worker 1 \(pid \d+\) exited with code 1: thread \d of 2: uncaught Error: boom/)
    expect(server.log).to.match(/Error: boom\n {4}at/)
    expect((await load.stop()).failures).to.deep.equal([])
  })

  for (const [path, why] of [
    ['/exit', 'it has ended with code 7'],
    ['/memory', 'Worker terminated due to reaching memory limit: JS heap out of memory'],
  ] as const)
    it(`is replaced when a thread ends by ${path.slice(1)}`, async () => {
      const server = launchThreads(failing, ['-w', '2'], {
        errors: true,
        env: { NODE_OPTIONS: '--max-old-space-size=128' },
      })
      const url = await server.running()
      await fresh(`${url}${path}`).catch(() => undefined)
      await server.says(new RegExp(`\\[ERROR\\] Thread \\d of 2: ${why}: this costs the worker`))
      await server.says(/Worker 3 \(pid \d+\) is ready/)
      await server.says(/Worker [12] \(pid \d+\) exited with code \d: thread \d of 2/)
      expect(JSON.parse(await fresh(url)).pid).to.be.oneOf(server.workers)
    })

  it('with a stuck thread is killed, after the log has its stack', async () => {
    const server = launchThreads(failing, ['--timeout', '2'], { errors: true })
    const url = await server.running()
    const stuck = fresh(`${url}/stuck`).catch(() => 'cut')
    await server.says(/WORKER TIMEOUT: killing worker 1 \(pid \d+\): its event loop stood still for timeout/)
    await server.says(/Thread \d stands\n {4}at spin \(.*app\.mjs:4:/)
    await server.says(/GET \/stuck from 127\.0\.0\.1/)
    expect(await stuck).to.equal('cut')
    await server.says(/Worker 2 \(pid \d+\) is ready/)
    await eventually('it serves', async () => (await placesOf(url, 2)).size === 2)
  })

  it('whose threads all fail to boot says why once, and stays away', async () => {
    const server = launchThreads(`throw new Error('no such luck')`, ['--threads', '3'], { errors: true })
    expect(await server.ended).to.deep.equal({ code: 3, signal: null })
    expect(server.log.match(/\[(ERROR|CRITICAL)\].*no such luck/g)).to.have.length(1)
  })

  it('of which one thread fails to boot does not get ready, and a reload with it changes nothing', async () => {
    const server = launchThreads(placeApp, [], { errors: true })
    const url = await server.running()
    const before = await placesOf(url, 2)
    const text = `if (process.env.TSICORN_THREAD_INDEX === '1') throw new Error('not here')\n${placeApp}`
    server.write('app.mjs', text)
    await server.reload(/Reload 1 failed: generation 1 keeps serving: .*not here/)
    expect(server.log)
      .to.match(/Worker 2 .* exited with code 3/)
      .and.not.to.match(/Worker 2 .* is ready/)
    expect(await placesOf(url, 2)).to.deep.equal(before)
  })
})

async function isAnswered(url: string): Promise<boolean> {
  return await fresh(url).then(
    () => true,
    () => false,
  )
}
