/** Hooks are called in order and in the right kind of process, are awaited, and see the server as it is. */
import { expect } from 'chai'
import { hookTable } from '../../../hooks/table.ts'
import { heard, launchHooked, said, sentence, talkative, tell } from '../../support/hooked.ts'

describe('hooks', () => {
  it('are called in order, each in its own kind of process, from the start to the end', async () => {
    const server = launchHooked(talkative)
    const url = await server.running()
    await server.says(/hook when_ready.*\n/)
    const start = [
      'nworkers_changed in arbiter',
      'on_starting in arbiter',
      'pre_fork of 1 in arbiter',
      'post_fork of 1 in 1',
      'post_worker_init of 1 in 1',
      'when_ready in arbiter',
    ]
    expect(heard(server).map(sentence)).to.deep.equal(start)

    await fetch(url, { headers: { connection: 'close' } })
    await server.says(/hook post_request.*\n/)
    const request = ['pre_request of 1 in 1', 'post_request of 1 in 1']
    expect(heard(server).slice(start.length).map(sentence)).to.deep.equal(request)

    const before = heard(server).length
    await server.reload(/hook child_exit of worker 1.*\n/)
    expect(heard(server).slice(before).map(sentence)).to.deep.equal([
      'on_reload in arbiter',
      'pre_fork of 2 in arbiter',
      'post_fork of 2 in 2',
      'post_worker_init of 2 in 2',
      'worker_exit of 1 in 1',
      'child_exit of 1 in arbiter',
    ])

    const reloaded = heard(server).length
    server.signal('SIGTTIN')
    await server.says(/Worker 3 \(pid \d+\) is ready/)
    expect(heard(server).slice(reloaded).map(sentence)).to.deep.equal([
      'nworkers_changed in arbiter',
      'pre_fork of 3 in arbiter',
      'post_fork of 3 in 3',
      'post_worker_init of 3 in 3',
    ])

    const grown = heard(server).length
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null })
    const end = heard(server).slice(grown).map(sentence)
    expect(end.at(-1)).to.equal('on_exit in arbiter')
    for (const age of [2, 3]) {
      const ofWorker = end.filter(said => said.includes(` of ${age} `))
      expect(ofWorker).to.deep.equal([`worker_exit of ${age} in ${age}`, `child_exit of ${age} in arbiter`])
    }
    expect(end).to.have.length(5)
  })

  it('may log anything, in either kind of process', async () => {
    const values = `[null, { is: 1 }, new Error('not today'), Symbol('one'), 'all said']`
    const all = (log: string) => `${log} => { for (const value of ${values}) ${log}.log.warning(value) }`
    const server = launchHooked(
      { post_worker_init: all('worker'), when_ready: all('server') },
      { errors: true },
    )
    await server.running()
    await server.says(new RegExp(`\\[${server.pid}\\] \\[WARNING\\] all said`))
    for (const text of ['null\n', '{ is: 1 }\n', 'Error: not today\n *at', 'Symbol\\(one\\)\n'])
      expect(server.log.match(new RegExp(`\\[WARNING\\] ${text}`, 'g')), text).to.have.length(2)
  })

  it('of the arbiter never run in a worker, nor those of a worker in the arbiter', async () => {
    const server = launchHooked(talkative, { args: ['-w', '2'] })
    const url = await server.running()
    await fetch(url, { headers: { connection: 'close' } })
    await server.reload()
    await server.stop('SIGINT')
    for (const { name, where } of heard(server)) {
      const { runs_in } = hookTable[name as keyof typeof hookTable]
      expect(where === 'arbiter' ? 'arbiter' : 'worker', name).to.equal(runs_in)
    }
  })
})

/** Waits a moment, then says so: only who awaits it can come after it. */
const late = (args: string, log: string) => `async (${args}) => {
    ${log}.log.info('the hook begins')
    await new Promise(resolve => setTimeout(resolve, 100))
    ${log}.log.info('the hook is done')
  }`

describe('an async hook is awaited:', () => {
  const awaited: readonly (readonly [hook: string, comes: string, next: RegExp])[] = [
    ['on_starting', 'before the sockets are bound', /Listening at/],
    ['pre_fork', 'before the worker is spawned', /Booting worker 1/],
    ['post_fork', 'before the app is loaded', /The app is a/],
    ['post_worker_init', 'before the worker is ready', /Worker 1 .* is ready/],
    ['on_reload', 'before new workers are started', /starting generation 2/],
    ['worker_exit', 'before the worker ends', /Worker 1 .* exited/],
    ['on_exit', 'before the arbiter ends', /$/],
  ]
  for (const [hook, comes, next] of awaited) {
    it(`${hook}, ${comes}`, async () => {
      const { args } = hookTable[hook as keyof typeof hookTable]
      const server = launchHooked({ [hook]: late(args.join(', '), args[0]) })
      await server.running()
      if (hook === 'on_reload') await server.reload()
      expect((await server.stop()).code).to.equal(0)
      const done = server.log.indexOf('the hook is done')
      expect(done).to.be.greaterThan(-1)
      expect(done).to.be.lessThan(server.log.search(next))
    })
  }

  it('pre_request, before the app sees the request', async () => {
    const server = launchHooked(
      {
        pre_request: `async (worker, req) => {
          await new Promise(resolve => setTimeout(resolve, 20))
          req.user = 'ann'
        }`,
      },
      { files: { 'app.mjs': `export default (req, res) => res.end(req.user)\n` } },
    )
    expect(await (await fetch(await server.running())).text()).to.equal('ann')
  })

  it('pre_request, and the body of the request is still there', async () => {
    const server = launchHooked(
      { pre_request: `() => new Promise(resolve => setTimeout(resolve, 20))` },
      { files: { 'app.mjs': `export default (req, res) => req.pipe(res)\n` } },
    )
    const response = await fetch(await server.running(), { method: 'POST', body: 'a body' })
    expect(await response.text()).to.equal('a body')
  })

  it('worker_int, before the worker leaves', async () => {
    const server = launchHooked({
      worker_int: late('worker', 'worker'),
      worker_exit: talkative.worker_exit!,
    })
    await server.running()
    const [worker] = server.workers as [number]
    process.kill(worker, 'SIGINT')
    await server.says(/the hook begins/)
    process.kill(worker, 'SIGINT')
    await server.says(/the hook is done\n[\s\S]*hook worker_exit of worker 1/)
    await server.says(/Worker 2 .* is ready/)
    expect(server.log.match(/the hook begins/g)).to.have.length(1)
  })
})

describe('nworkers_changed', () => {
  it('gets the new number and the old one, which is undefined at the start', async () => {
    const server = launchHooked(
      { nworkers_changed: tell('server, value, old', 'server', '[value, String(old), server.num_workers]') },
      { args: ['-w', '2'] },
    )
    expect(await said(server)).to.deep.equal([2, 'undefined', 2])
    await server.running()
    server.signal('SIGTTIN')
    expect(await said(server)).to.deep.equal([3, '2', 3])
    server.signal('SIGTTOU')
    expect(await said(server)).to.deep.equal([2, '3', 2])
    server.signal('SIGTTOU')
    expect(await said(server)).to.deep.equal([1, '2', 1])
  })
})

describe('the server that hooks of the arbiter see', () => {
  it('has phase, generation, settings, workers and addresses', async () => {
    const workers = 'server.workers.map(({ age, state }) => age + state)'
    const view = `[server.pid, server.proc_name, server.phase, server.generation, server.settings.workers, ${workers}, server.addresses]`
    const server = launchHooked(
      { when_ready: tell('server', 'server', view) },
      { args: ['-w', '2', '-n', 'shop'] },
    )
    await server.running()
    const expected = [server.pid, 'shop', 'running', 1, 2, ['1ready', '2ready'], [server.url]]
    expect(await said(server)).to.deep.equal(expected)
  })
})
