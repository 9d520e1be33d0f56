/** What an app in a thread finds around it: what differs from a process behaves sensibly, or fails with words. */
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { fresh } from '../../support/requests.ts'
import { eventually, freePort, launch } from '../../support/tsicorn.ts'
import { launchThreads, placeApp } from './thread-app.ts'

const curious = `
  import { workerData, isMainThread } from 'node:worker_threads'
  import { once } from 'node:events'
  await once(process.stdin.resume(), 'end')
  globalThis.counted = 0
  process.on('SIGHUP', () => console.log('hung up in ' + process.env.TSICORN_THREAD_INDEX))
  process.on('SIGTERM', () => { console.log('told in ' + process.env.TSICORN_THREAD_INDEX); process.exit(0) })
  const refused = attempt => { try { attempt() } catch (error) { return error.message } }
  export default (req, res) => {
    process.env.OWN ??= process.env.TSICORN_THREAD_INDEX
    globalThis.counted += 1
    res.end(JSON.stringify({
      thread: process.env.TSICORN_THREAD_INDEX,
      own: process.env.OWN,
      args: process.argv.slice(2),
      loader: process.execArgv.filter(option => option.includes('preload')),
      isMainThread,
      workerData,
      sent: process.send('hello'),
      given: process.env.GIVEN,
      chdir: refused(() => process.chdir('/')),
      setuid: refused(() => process.setuid(0)),
      left: Object.keys(process.env).filter(name => /^TSICORN_(ARBITER|THREADS|COMPILE)/.test(name)),
    }))
  }`

describe('an app in a thread', () => {
  it('finds arguments, environment, standard input and a parent, and is refused what is for processes', async () => {
    const server = launch({
      args: [
        ...['-k', 'threads', '--threads', '2', '-b', '127.0.0.1:0', '--env', 'GIVEN=yes', './app.mjs'],
        ...['--', '--port', '3'],
      ],
      files: { 'app.mjs': curious },
    })
    const { thread, own, ...found } = JSON.parse(await fresh(await server.running()))
    expect(own).to.equal(thread)
    expect(found).to.deep.equal({
      args: ['--port', '3'],
      loader: [],
      isMainThread: false,
      workerData: null,
      sent: true,
      given: 'yes',
      chdir: 'process.chdir() is not supported in workers',
      setuid: 'process.setuid() is not supported in workers',
      left: [],
    })
    await server.says(/The app sends messages with process\.send: there is no parent/)
  })

  it('hears the signals of its process in each thread, and ends with its listeners', async () => {
    const server = launchThreads(curious)
    await server.running()
    process.kill(server.workers[0] as number, 'SIGHUP')
    await server.says(/HUP has no effect on a worker/)
    for (const thread of [0, 1])
      await eventually('each hears it', () => server.log.includes(`hung up in ${thread}`))
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null })
    expect(server.log).to.include('told in 0').and.to.include('told in 1')
  })

  it('that needs a process of its own is told so', async () => {
    const server = launchThreads(`process.chdir('/')`, [], { errors: true })
    expect(await server.ended).to.deep.equal({ code: 3, signal: null })
    expect(server.log).to.match(
      /process\.chdir\(\) is not supported in workers[\s\S]*this works only in a process of its own: set worker_class to "async"/,
    )
  })

  it('is checked in a thread, too', async () => {
    const fails = launchThreads(`process.chdir('/')`, ['--check-config'], { errors: true })
    expect(await fails.ended).to.deep.equal({ code: 1, signal: null })
    expect(fails.log).to.include('process.chdir() is not supported in workers')
    const loads = launchThreads(placeApp, ['--check-config'])
    expect(await loads.ended).to.deep.equal({ code: 0, signal: null })
  })

  it('measures with prom-client what is added up over all threads', async () => {
    const port = await freePort()
    const text = `
      import { createRequire } from 'node:module'
      const { Counter, collectDefaultMetrics } = createRequire(${JSON.stringify(import.meta.url)})('prom-client')
      collectDefaultMetrics()
      const asked = new Counter({ name: 'asked_total', help: 'Requests', labelNames: ['of'] })
      export default (req, res) => { asked.inc({ of: 'all' }); res.end('ok') }`
    const server = launchThreads(text, ['--app-metrics', '--metrics-bind', `127.0.0.1:${port}`])
    const url = await server.running()
    for (let count = 0; count < 12; count += 1) await fresh(url)
    const told = async () => await fresh(`http://127.0.0.1:${port}/metrics`)
    await eventually('all are counted', async () => /asked_total\{of="all"\} 12\n/.test(await told()))
    const [, said] = /^process_resident_memory_bytes\S* (\d+)/m.exec(await told()) ?? []
    const status = readFileSync(`/proc/${server.workers[0]}/status`, 'utf8')
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(status) ?? []
    // Each thread says that of the process.
    expect(Number(said)).to.be.within(0.5 * Number(kilobytes) * 1024, 1.5 * Number(kilobytes) * 1024)
  })
})
