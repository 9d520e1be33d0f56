/** Mistakes of a configuration that would end or block the process that loads it. */
import { expect } from 'chai'
import { configWith, launchHooked, shareHooked } from '../../support/hooked.ts'
import { eventually } from '../../support/tsicorn.ts'

const good = configWith({})

/** What stands in the file beside a configuration that is fine, and what the log says about it. */
const mistakes: readonly (readonly [what: string, text: string, says: RegExp])[] = [
  [
    'a promise that nobody handles rejects',
    `Promise.reject(new Error('not today'))\n${good}`,
    /nothing handled what it threw: not today/,
  ],
  [
    'a timer throws',
    `setTimeout(() => { throw new Error('not today') })\n${good}`,
    /nothing handled what it threw: not today/,
  ],
  [
    'something is thrown that has no text',
    `setTimeout(() => { throw Object.create(null) })\n${good}`,
    /nothing handled what it threw: a value that has no text/,
  ],
  ['it calls process.exit', `process.exit(0)\n${good}`, /it called process\.exit\(0\)/],
  ['it calls process.abort', `process.abort()\n${good}`, /it called process\.abort\(\)/],
  ['it kills its process', `process.kill(process.pid, 'SIGKILL')\n${good}`, /its process ended with SIGKILL/],
  [
    'it throws something that cannot be read',
    `throw { get stack() { throw 1 }, toString() { throw 2 } }\n${good}`,
    /it threw a value that has no text/,
  ],
  ['it waits for nothing', `await new Promise(() => {})\n${good}`, /what it waits for never comes/],
  [
    'it waits for ever',
    `setInterval(() => undefined, 1000)\nawait new Promise(() => {})\n${good}`,
    /took longer than hook_timeout \(5 s\)/,
  ],
  ['it never returns', `for (;;);\n${good}`, /took longer than hook_timeout \(5 s\)/],
  [
    'it is a function that never settles',
    `setInterval(() => undefined, 1000)\nexport default () => new Promise(() => {})`,
    /took longer than hook_timeout \(5 s\)/,
  ],
]

describe('a reload with a configuration in which', () => {
  for (const [what, text, says] of mistakes) {
    it(`${what} fails, and the server goes on`, async () => {
      const server = await shareHooked({}, { args: ['--hook-timeout', '5'], errors: true })
      const { url, workers } = server
      const { length } = server.log
      server.write('tsicorn.config.mjs', text)
      const [, failed] = await server.reload(
        /Reload \d+ failed: generation (\d+) keeps serving: tsicorn\.config\.mjs: Cannot load it/,
      )
      expect(server.log.slice(length)).to.match(says)
      expect(server.workers).to.deep.equal(workers)
      server.write('tsicorn.config.mjs', good)
      const [, serves] = await server.reload(/Reload \d+: generation (\d+) serves/)
      expect(Number(serves)).to.be.above(Number(failed))
      // The next configuration finds the workers of this one.
      await eventually('they are all that serve', () => !server.workers.some(pid => workers.includes(pid)))
      expect(await (await fetch(url, { headers: { connection: 'close' } })).text()).to.equal('alive')
    })
  }

  it('a value contains itself says where, and what is wanted', async () => {
    const server = launchHooked({}, { errors: true })
    await server.running()
    const round = `const round = {}\nround.self = round\n`
    server.write('tsicorn.config.mjs', round + configWith({}).replace('\n}', '  workers: round,\n}'))
    await server.reload(/Reload 1 failed: .*: tsicorn\.config\.mjs: workers must be .*, not <ref \*1> \{/)
  })

  it('an endless loop is heard of at once by a later reload, whatever the limit', async () => {
    const server = launchHooked({}, { args: ['--hook-timeout', '0'], errors: true })
    await server.running()
    server.write('tsicorn.config.mjs', `for (;;);\n${good}`)
    server.signal('SIGHUP')
    await server.says(/Reload 1: reading the configuration/)
    server.write('tsicorn.config.mjs', good)
    await server.reload(/Reload 2: generation 2 serves/)
  })

  it('an endless loop does not keep TERM from stopping the server', async () => {
    const server = launchHooked({}, { args: ['--hook-timeout', '0'], errors: true })
    await server.running()
    server.write('tsicorn.config.mjs', `for (;;);\n${good}`)
    server.signal('SIGHUP')
    await server.says(/Reload 1: reading the configuration/)
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null })
  })

  it('something is thrown after it was loaded goes on, and the log says where', async () => {
    const server = launchHooked({}, { errors: true })
    await server.running()
    server.write(
      'tsicorn.config.mjs',
      `${good.replace('export default', 'const config =')}
      process.on('SIGUSR1', () => { throw new Error('not today') })
      process.removeAllListeners('SIGHUP')
      export default config`,
    )
    await server.reload()
    server.signal('SIGUSR1')
    await server.says(
      /Nothing handled an error in .*tsicorn\.config\.mjs, and the server goes on: Error: not today/,
    )
    await server.reload()
  })

  it('a listener of HUP rejects goes on, and the log says where', async () => {
    const server = launchHooked({}, { errors: true })
    await server.running()
    server.write(
      'tsicorn.config.mjs',
      `process.on('SIGHUP', async () => { throw new Error('not today') })\n${good}`,
    )
    await server.reload()
    server.write('tsicorn.config.mjs', good)
    await server.reload(/Reload 2: generation \d+ serves/)
    expect(server.log).to.match(
      /Nothing handled an error in .*tsicorn\.config\.mjs, and the server goes on: Error: not today/,
    )
  })

  it('a timer throws again and again can be mended by a reload', async () => {
    const server = launchHooked({}, { errors: true })
    await server.running()
    server.write(
      'tsicorn.config.mjs',
      `process.once('SIGUSR1', () => { setInterval(() => { throw new Error('not today') }, 20) })\n${good}`,
    )
    await server.reload()
    server.signal('SIGUSR1')
    await server.says(/and the server goes on: Error: not today/)
    server.write('tsicorn.config.mjs', `${good}\n`)
    await server.reload(/Reload 2: generation \d+ serves/)
  })

  it('a timer throws during a later reload fails that reload, and the log says where', async () => {
    const server = launchHooked({}, { errors: true })
    await server.running()
    server.write(
      'tsicorn.config.mjs',
      `process.once('SIGHUP', () => { setTimeout(() => { throw new Error('not today') }) })\n${good}`,
    )
    await server.reload()
    await server.reload(
      /Reload 2 failed: generation 2 keeps serving: Nothing handled an error in .*tsicorn\.config\.mjs: Error: not today/,
    )
  })

  it('nothing is wrong runs the file once more where it has changed, and not otherwise', async () => {
    const server = launchHooked({})
    await server.running()
    const counting = `import { appendFileSync } from 'node:fs'\nappendFileSync('runs', 'x')\n${good}`
    server.write('tsicorn.config.mjs', counting)
    await server.reload()
    const runs = () => server.read('runs').length
    expect(runs(), 'in the trial, and in the arbiter').to.equal(2)
    await server.reload()
    expect(runs()).to.equal(2)
  })
})

describe('a start with a configuration that', () => {
  for (const [what, text, says] of [
    ['waits for nothing', `await new Promise(() => {})\n${good}`, /took longer than hook_timeout/],
    ['calls process.exit', `process.exit(0)\n${good}`, /process\.exit\(0\) is not for configurations/],
    ['rejects by the way', `Promise.reject(new Error('not today'))\n${good}`, /not today/],
  ] as const) {
    it(`${what} ends with code 1 and the reason`, async () => {
      const server = launchHooked(
        {},
        { files: { 'tsicorn.config.mjs': text }, args: ['--hook-timeout', '1'], errors: true },
      )
      expect(await server.ended).to.deep.equal({ code: 1, signal: null })
      expect(server.log).to.match(says)
    })
  }
})

describe('a server with a listener by which', () => {
  it('a signal ends it obeys the signal', async () => {
    const ends = ['SIGHUP', 'SIGTERM'].map(name => `process.on('${name}', () => process.exit(0))`).join('\n')
    const server = launchHooked({}, { files: { 'tsicorn.config.mjs': `${ends}\n${good}` }, errors: true })
    await server.running()
    // These listeners are called before the arbiter's, and those of the second file after it.
    await server.reload()
    expect(server.log).to.match(/Nothing handled an error in .*process\.exit\(0\) is not for configurations/)
    server.write('tsicorn.config.mjs', `${ends}\n${ends}\n${good}`)
    await server.reload()
    await server.reload()
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null })
  })

  for (const [what, listen] of [
    ...['uncaughtException', 'uncaughtExceptionMonitor', 'unhandledRejection'].map(
      event => [event, `process.on('${event}', `] as const,
    ),
    ['the capture of exceptions', 'process.setUncaughtExceptionCaptureCallback('],
  ] as const) {
    it(`${what} ends it goes on all the same`, async () => {
      const late = `() => { Promise.reject(new Error('not today')) }`
      const end = `${listen}() => process.exit(1))`
      const files = { 'tsicorn.config.mjs': `${end}\n${configWith({ when_ready: late })}` }
      const server = launchHooked({}, { files, errors: true })
      await server.running()
      await server.says(/Nothing handled an error in .*process\.exit\(1\) is not for configurations/)
      await server.reload()
      expect(await server.stop()).to.deep.equal({ code: 0, signal: null })
    })
  }

  it('its exit has another code ends with the code of the stop', async () => {
    const files = { 'tsicorn.config.mjs': `process.on('exit', () => process.exit(3))\n${good}` }
    const server = launchHooked({}, { files })
    await server.running()
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null })
  })
})
