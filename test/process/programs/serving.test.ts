/** Workers that are programs: what they inherit, and reload, stop, scale, recycling and upgrade as for any worker. */
import { expect } from 'chai'
import { Load } from '../../support/http/load.ts'
import { fresh, overUnixSocket } from '../../support/requests.ts'
import { eventually, isAlive, launch } from '../../support/tsicorn.ts'
import { retire, upgrade } from '../../support/upgrading.ts'
import { gotBy, launchProgram, readyLine, sh, usual } from './launch-program.ts'

describe('a program as a worker', () => {
  it('inherits all sockets from descriptor 3 on, and is told how many, their names, and its process id', async () => {
    const server = launchProgram([...readyLine, '-b', 'unix:app.sock', '-e', 'LISTEN_FDS=9'], {
      program: usual('--color', 'blue'),
      env: { WEB_CONCURRENCY: '1' },
    })
    const got = await gotBy(await server.running())
    expect(got).to.deep.include({
      LISTEN_FDS: '2',
      LISTEN_FDNAMES: `${new URL(server.url).port}:${server.folder}/app.sock`,
      LISTEN_PID: `${got.pid}`,
      TSICORN_WORKER_INDEX: '0',
      WEB_CONCURRENCY: null,
      args: ['--color', 'blue'],
    })
    expect(await overUnixSocket(`${server.folder}/app.sock`)).to.include(`"pid":${got.pid}`)
    expect(server.log).to.include(`[${got.pid}] [INFO] it serves\n`)
  })

  it('finds its sockets listening: whoever comes before it is ready waits', async () => {
    const server = launchProgram(['--ready-after', '0'], {
      program: sh('sleep 1; exec "$@"', ...usual()),
    })
    expect(await gotBy(await server.running())).to.have.property('LISTEN_FDS', '1')
  })

  it('is replaced by a reload, added and removed by TTIN and TTOU, and no request fails', async () => {
    const server = launchProgram(['-w', '2', ...readyLine])
    const load = new Load({ url: await server.running(), clients: 4, keepAlive: false })
    await load.answered(20)
    await server.reload()
    server.signal('SIGTTIN')
    await server.says(/Worker 5 \(pid \d+\) is ready/)
    server.signal('SIGTTOU')
    await server.says(/Worker 5 \(pid \d+\) exited with code 0: surplus/)
    await load.answered(20)
    const { failures } = await load.stop()
    expect(failures).to.deep.equal([])
    expect(server.workers).to.have.length(2)
  })

  it('answers what it has when it is told to stop', async () => {
    const server = launchProgram(readyLine)
    const url = await server.running()
    const answer = fresh(`${url}/?ms=700`)
    await fresh(url)
    server.signal('SIGTERM')
    expect(await answer).to.include('"pid"')
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
    expect(server.log).to.match(/exited with code 0: stopping/)
  })

  it('is replaced at once when it is killed', async () => {
    const server = launchProgram(readyLine, { errors: true })
    const { pid } = await gotBy(await server.running())
    process.kill(Number(pid), 'SIGKILL')
    await server.says(
      /Worker 1 .* was ended by SIGKILL: sent by somebody else \(it lived [\d.]+ s, \d+ MiB\)/,
    )
    await server.says(/Worker 2 .* is ready/)
    expect((await gotBy(server.url)).pid).to.not.equal(pid)
  })

  it('is replaced when it has lived long enough', async () => {
    const server = launchProgram([...readyLine, '--max-worker-lifetime', '1'])
    await server.running()
    await server.says(/Worker 1 .* asks for a successor: max_worker_lifetime: \d+ s/)
    await server.says(/Worker 1 .* exited with code 0: max_worker_lifetime/)
  })

  it('is replaced when it uses too much memory together with its children', async () => {
    const hungry = `${process.execPath} -e 'const a = Buffer.alloc(3e8, 1); setInterval(() => a, 1e6)'`
    const server = launchProgram([...readyLine, '--max-worker-rss', '250M', '--graceful-timeout', '5'], {
      program: sh(`${hungry} & exec "$@"`, ...usual()),
    })
    await server.running()
    await server.says(/Worker 1 .* asks for a successor: max_worker_rss: \d{9} bytes/)
    server.signal('SIGQUIT')
    await server.ended
  })

  it('goes on in the new arbiter of an upgrade', async () => {
    const server = launchProgram(['-w', '2', ...readyLine])
    const load = new Load({ url: await server.running(), clients: 2, keepAlive: false })
    const old = server.workers
    const newArbiter = await upgrade(server)
    await retire(server, server.pid)
    await load.answered(10)
    const { failures } = await load.stop()
    expect(failures).to.deep.equal([])
    await eventually('the old programs are gone', () => !old.some(isAlive))
    process.kill(newArbiter, 'SIGTERM')
    await eventually('the new arbiter is gone', () => !isAlive(newArbiter))
  })

  it('takes the place of an application in a reload, and gives it back', async () => {
    const configs = {
      async: { app: './app.mjs', bind: '127.0.0.1:0' },
      exec: { worker_class: 'exec', app_args: usual(), bind: '127.0.0.1:0', ready_line: 'it serves' },
    }
    const textOf = (kind: keyof typeof configs) => `export default ${JSON.stringify(configs[kind])}`
    const server = launch({
      files: {
        'app.mjs': `export default (req, res) => res.end('an application')`,
        'tsicorn.config.mjs': textOf('async'),
      },
    })
    const load = new Load({ url: await server.running(), clients: 2, keepAlive: false })
    for (const kind of ['exec', 'async'] as const) {
      server.write('tsicorn.config.mjs', textOf(kind))
      await server.reload()
      // The old worker may accept until it has heard that it is to leave.
      const wanted = kind === 'exec' ? /"LISTEN_FDS":"1"/ : /an application/
      await eventually(`${kind} answers`, async () => wanted.test(await fresh(server.url)))
    }
    expect((await load.stop()).failures).to.deep.equal([])
  })

  it('has the hooks of the arbiter', async () => {
    const server = launch({
      files: {
        'tsicorn.config.mjs': `export default {
          worker_class: 'exec', app_args: ${JSON.stringify(usual())}, bind: '127.0.0.1:0', ready_line: 'it serves',
          pre_fork: (server, worker) => server.log.info('forks ' + worker.age),
          when_ready: server => server.log.info('ready with ' + server.num_workers),
          child_exit: (server, worker) => server.log.info('gone: ' + worker.pid + ' with ' + worker.exit_code),
        }`,
      },
    })
    await server.says(/forks 1\n/)
    await server.says(/ready with 1\n/)
    const [pid] = server.workers
    await server.stop()
    expect(server.log).to.match(new RegExp(`gone: ${pid} with 0\n`))
  })
})
