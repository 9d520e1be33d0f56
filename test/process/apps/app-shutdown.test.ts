/** Apps that clean up at their end: how they hear of it, how long they have, and what ends them. */
import { expect } from 'chai'
import { fresh } from '../../support/requests.ts'
import { eventually, launch, type Tsicorn } from '../../support/tsicorn.ts'

/** `told` is what the app says on standard output at its end, as it ends; the rest of the file is the app. */
function serve(text: string, ...args: readonly string[]): Tsicorn {
  return launch({
    args: ['-b', '127.0.0.1:0', ...args, './app.mjs'],
    files: {
      'app.mjs': `
        import { createServer } from 'node:http'
        const say = text => process.stdout.write('<' + text + '>\\n')
        const soon = () => new Promise(resolve => setTimeout(resolve, 100))
        const listener = async (req, res) => {
          if (req.url === '/slow') await new Promise(resolve => setTimeout(resolve, 500))
          if (req.url === '/slow') say('answered')
          res.end('ok')
        }
        ${text}`,
    },
  })
}

const listens = `const server = createServer(listener).listen(process.env.PORT)`

function said({ log }: Tsicorn): string[] {
  return Array.from(log.matchAll(/<(.*?)>\n/g), ([, text = '']) => text)
}

/** What a worker prints and what is logged of it come by different ways. */
async function hears(server: Tsicorn, words: readonly string[]): Promise<void> {
  await eventually(`it says ${words}`, () => said(server).length >= words.length)
  expect(said(server)).to.deep.equal(words)
}

describe('the end of an app', () => {
  const ways: Readonly<Record<string, (server: Tsicorn) => Promise<unknown>>> = {
    'a stop': async server => {
      server.signal('SIGTERM')
      return await server.ended
    },
    'a quick stop': async server => {
      server.signal('SIGINT')
      return await server.ended
    },
    'a reload': async server => {
      server.signal('SIGHUP')
      await server.says(/Worker 1 .* exited with code 0/)
    },
    'TERM to the worker': async server => {
      process.kill(server.workers[0] as number, 'SIGTERM')
      await server.says(/Worker 1 .* exited with code 0/)
    },
  }
  for (const [what, end] of Object.entries(ways)) {
    it(`comes with its listener of SIGTERM, which is waited for, at ${what}`, async () => {
      const server = serve(`
        ${listens}
        process.on('SIGTERM', async (...args) => { say(args.join()); await soon(); say('pool closed') })`)
      await server.running()
      await end(server)
      await eventually('it says both', () => said(server).length >= 2)
      expect(said(server).slice(0, 2)).to.deep.equal(['SIGTERM,15', 'pool closed'])
    })
  }

  it('comes after the last answer', async () => {
    const server = serve(`
      process.on('SIGTERM', () => { say('end'); process.exit() })
      export default listener`)
    const slow = fresh(`${await server.running()}/slow`)
    await fresh(server.url)
    server.signal('SIGTERM')
    expect(await slow).to.equal('ok')
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
    await hears(server, ['answered', 'end'])
  })

  for (const [when, wraps] of Object.entries({
    before: `wrap(); server.listen(process.env.PORT)`,
    after: `server.listen(process.env.PORT); wrap()`,
  })) {
    it(`calls a close that the app has put on its server, ${when} it listens`, async () => {
      const server = serve(`
        const server = createServer(listener)
        const wrap = () => {
          const { close } = server
          server.close = callback => { say('close'); return close.call(server, callback) }
        }
        ${wraps}
        process.on('SIGTERM', () => server.close(error => { say(error?.code ?? 'closed'); process.exit() }))`)
      await server.running()
      await server.stop()
      await hears(server, ['close', 'closed'])
    })
  }

  it('comes after the last answer when the whole group is sent the signal, twice', async () => {
    const server = serve(`
      process.on('SIGTERM', () => { say('end'); process.exit() })
      export default listener`)
    const slow = fresh(`${await server.running()}/slow`)
    await fresh(server.url)
    const pids = [...server.workers, server.pid, ...server.workers]
    for (const pid of pids) process.kill(pid, 'SIGTERM')
    expect(await slow).to.equal('ok')
    await server.ended
    await hears(server, ['answered', 'end'])
  })

  it('is that of SIGINT where it listens to that alone, and of the message of PM2 where it hears messages', async () => {
    for (const [listening, word] of [
      [`process.once('SIGINT', signal => { say(signal); process.exit() })`, 'SIGINT'],
      [`process.on('message', async message => { await soon(); say(message); process.exit() })`, 'shutdown'],
    ] as const) {
      const server = serve(`${listening}\nexport default listener`)
      await server.running()
      server.signal('SIGTERM')
      await server.ended
      await hears(server, [word])
    }
  })

  it('may be an exit with the code of the signal', async () => {
    const server = serve(`${listens}
      process.on('SIGTERM', () => process.exit(143))`)
    await server.running()
    server.signal('SIGTERM')
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
    expect(server.log).to.match(/\[INFO\] Worker 1 .* exited with code 143: stopping/)
  })

  const whileLoading = { exit: 'process.exit()', fail: `abort(new Error('told to end'))` }
  for (const [what, deed] of Object.entries(whileLoading)) {
    it(`comes for one that is still being loaded, which may ${what}`, async () => {
      const server = serve(`
        let abort
        const loaded = new Promise((resolve, reject) => { abort = reject })
        const timer = setTimeout(() => undefined, 100_000)
        process.on('SIGTERM', () => { say('end'); clearTimeout(timer); ${deed} })
        process.stdout.write('loading\\n')
        await loaded`)
      await server.says(/loading/)
      server.signal('SIGTERM')
      expect(await server.ended).to.deep.equal({ code: 0, signal: null })
      await hears(server, ['end'])
    })
  }

  it('closes a server that has not closed yet, and without an error', async () => {
    const server = serve(`
      ${listens}
      server.on('close', () => say('close'))
      process.on('SIGTERM', () => {
        say('listening ' + server.listening)
        server.close(error => { say('closed ' + error); setTimeout(() => process.exit(error ? 1 : 0), 50) })
      })`)
    await server.running()
    server.signal('SIGTERM')
    await server.says(/Worker 1 .* exited with code 0/)
    await hears(server, ['listening true', 'close', 'closed undefined'])
  })

  for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
    it(`closes the servers where the app does not, at ${signal}`, async () => {
      const server = serve(`${listens}\nserver.on('close', () => say('close'))`)
      await server.running()
      server.signal(signal)
      await server.says(/Worker 1 .* exited with code 0/)
      await hears(server, ['close'])
    })
  }

  it('is over when the app sends itself the signal again, as NestJS does', async () => {
    const server = serve(`
      setInterval(() => {}, 1e6)
      const hear = async signal => {
        await soon()
        say('hooks')
        process.removeListener('SIGTERM', hear)
        process.kill(process.pid, signal)
        await new Promise(() => {})
      }
      process.on('SIGTERM', hear)
      export default listener`)
    await server.running()
    server.signal('SIGTERM')
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
    await hears(server, ['hooks'])
  })

  it('is over when nothing is left to do', async () => {
    const server = serve(`
      const timer = setInterval(() => {}, 1e6)
      process.on('SIGTERM', () => { setTimeout(() => { say('done'); clearInterval(timer) }, 200) })
      export default listener`)
    await server.running()
    server.signal('SIGTERM')
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
    await hears(server, ['done'])
    expect(server.log).to.not.contain('graceful_timeout')
  })

  it('may end the process with the code of the signal', async () => {
    const server = serve(`${listens}\nprocess.on('SIGTERM', () => process.exit(143))`)
    await server.running()
    server.signal('SIGTERM')
    await server.says(/\[INFO\] Worker 1 \(pid \d+\) exited with code 143: stopping/)
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
  })

  it('may set the exit code of the process', async () => {
    const server = serve(
      `${listens}\nprocess.exitCode = 9\nprocess.on('SIGTERM', () => { process.exitCode = 143 })`,
    )
    await server.running()
    server.signal('SIGTERM')
    await server.says(/\[INFO\] Worker 1 \(pid \d+\) exited with code 143: stopping/)
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
  })

  it('may come while the app is being loaded', async () => {
    const server = serve(`
      process.on('SIGTERM', () => { say('told'); process.exit(0) })
      say('loading')
      await new Promise(resolve => setTimeout(resolve, 60_000))`)
    await server.says(/<loading>/)
    server.signal('SIGTERM')
    await server.says(/\[INFO\] Worker 1 \(pid \d+\) exited with code 0/)
    await hears(server, ['loading', 'told'])
  })

  it('is cut at graceful_timeout, which the log says', async () => {
    const text = `
      process.on('SIGTERM', () => { setInterval(() => {}, 1e6) })
      export default listener`
    const server = serve(text, '--graceful-timeout', '1')
    await server.running()
    server.signal('SIGTERM')
    await server.says(/The app was told SIGTERM, and was not over within graceful_timeout/)
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
  })

  it('that is rejected with nothing is logged, and is over', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.mjs'],
      files: {
        'app.mjs': `export default (req, res) => res.end()
          export const shutdown = () => Promise.reject(undefined)`,
      },
      errors: true,
    })
    await server.running()
    server.signal('SIGTERM')
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
    expect(server.log).to.contain('Closing the app failed: undefined')
  })

  it('that throws is logged, and is over', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', './app.mjs'],
      files: {
        'app.mjs': `process.on('SIGTERM', () => { throw new Error('no pool') })
          process.on('SIGTERM', async () => { throw new Error('no pool') })
          export default (req, res) => res.end()`,
      },
      errors: true,
    })
    await server.running()
    server.signal('SIGTERM')
    expect(await server.ended).to.deep.equal({ code: 0, signal: null })
    expect(server.log).to.match(/The app failed at its end: Error: no pool\n +at .*app\.mjs/)
  })

  it('may take longer than a moment also where it is still being loaded', async () => {
    const server = serve(`
      process.on('SIGTERM', async () => {
        for (let n = 0; n < 20; n += 1) await soon()
        say('pool closed')
      })
      say('loading')
      await new Promise(resolve => setTimeout(resolve, 60_000))`)
    await hears(server, ['loading'])
    process.kill(server.workers[0] as number, 'SIGTERM')
    await server.says(/Worker 1 .* exited with code 0: it was sent TERM/)
    expect(said(server)).to.contain('pool closed')
  })

  it('shows its listeners nobody else, and keeps the worker from default actions', async () => {
    const server = serve(`
      process.on('SIGTERM', () => {})
      process.removeAllListeners('SIGTERM')
      export default (req, res) => res.end(String(process.listenerCount('SIGTERM') + process.listenerCount('SIGINT')))`)
    const url = await server.running()
    expect(await fresh(url)).to.equal('0')
    process.kill(server.workers[0] as number, 'SIGTERM')
    await server.says(/Worker 1 .* exited with code 0: it was sent TERM/)
    expect(await fresh(url)).to.equal('0')
  })

  it('comes when it closes its own server, and another worker takes its place', async () => {
    const server = serve(`
      const server = createServer((req, res) => {
        res.end('ok')
        if (req.url === '/close') server.close(() => say('closed'))
      }).listen(process.env.PORT)`)
    const url = await server.running()
    await fresh(`${url}/close`)
    await server.says(/Worker 1 .* exited with code 0: the app closed its server/)
    expect(await fresh(url)).to.equal('ok')
    await hears(server, ['closed'])
  })
})
