/** What hooks learn of the worker or the request that they are called for, and how often they are called. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { expect } from 'chai'
import { heard, launchHooked, said, sentence, talkative, tell } from '../../support/hooked.ts'
import { type Tsicorn, testApp } from '../../support/tsicorn.ts'

function lastOfWorker(age: number, server: Tsicorn, count: number): string[] {
  const ofWorker = heard(server).filter(({ about }) => about === age)
  return ofWorker.slice(-count).map(sentence)
}

describe('child_exit', () => {
  const child_exit = tell(
    'server, worker',
    'server',
    '[worker.age, worker.exit_code, worker.signal, worker.reason, worker.state]',
  )
  const endings: readonly (readonly [what: string, path: string, ending: readonly unknown[]])[] = [
    ['an exit code', '/crash?code=9', [1, 9, null, null, 'exited']],
    ['the signal that ended the worker', '/crash?signal=SIGKILL', [1, null, 'SIGKILL', null, 'exited']],
    ['code 1 after an exception', '/crash?throw', [1, 1, null, 'uncaught Error: crashed as asked', 'exited']],
  ]
  for (const [what, path, ending] of endings) {
    it(`learns ${what}`, async () => {
      const server = launchHooked({ child_exit }, { args: [testApp('crash.ts')], errors: true })
      const url = await server.running()
      await fetch(`${url}${path}`).catch(() => undefined)
      expect(await said(server)).to.deep.equal(ending)
    })
  }

  it('learns why a worker was asked to leave', async () => {
    const server = launchHooked({ child_exit }, { args: ['-w', '2'] })
    await server.running()
    server.signal('SIGTTOU')
    expect(await said(server)).to.deep.equal([2, 0, null, 'surplus', 'exited'])
    process.kill(server.workers[0]!, 'SIGTERM')
    expect(await said(server)).to.deep.equal([1, 0, null, 'it was sent TERM', 'exited'])
  })

  it('is called for a worker that failed to boot', async () => {
    const server = launchHooked(
      { child_exit },
      { files: { 'app.mjs': `throw new Error('no database')` }, errors: true },
    )
    expect((await server.ended).code).to.equal(3)
    expect(server.log).to.contain('told [1,3,null,null,"exited"]')
  })
})

describe('worker_int', () => {
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    it(`runs in a worker that got ${signal}, once`, async () => {
      const server = launchHooked(talkative)
      await server.running()
      process.kill(server.workers[0]!, signal)
      await server.says(/hook child_exit.*\n/)
      expect(lastOfWorker(1, server, 3)).to.deep.equal([
        'worker_int of 1 in 1',
        'worker_exit of 1 in 1',
        'child_exit of 1 in arbiter',
      ])
    })
  }

  it('runs in every worker when the arbiter stops quickly', async () => {
    const server = launchHooked(talkative, { args: ['-w', '2'] })
    await server.running()
    expect((await server.stop('SIGQUIT')).code).to.equal(0)
    const stopped = heard(server).filter(({ name }) => name === 'worker_int')
    expect(stopped.map(sentence)).to.have.members(['worker_int of 1 in 1', 'worker_int of 2 in 2'])
  })

  it('does not run when the arbiter stops gracefully', async () => {
    const server = launchHooked(talkative)
    await server.running()
    await server.stop()
    expect(heard(server).map(({ name }) => name)).not.to.include('worker_int')
  })
})

describe('worker_abort', () => {
  it('runs in a worker that got ABRT, which then ends with code 1', async () => {
    const server = launchHooked(talkative, { errors: true })
    await server.running()
    process.kill(server.workers[0]!, 'SIGABRT')
    await server.says(/Worker 1 .* exited with code 1/)
    await server.says(/hook child_exit.*\n/)
    expect(lastOfWorker(1, server, 3)).to.deep.equal([
      'worker_abort of 1 in 1',
      'worker_exit of 1 in 1',
      'child_exit of 1 in arbiter',
    ])
  })

  it('runs in the arbiter for a worker whose event loop stands still', async () => {
    const server = launchHooked(talkative, { args: ['--timeout', '1', testApp('hang.ts')], errors: true })
    const url = await server.running()
    await fetch(`${url}/hang`).catch(() => undefined)
    await server.says(/hook child_exit.*\n/)
    expect(lastOfWorker(1, server, 2)).to.deep.equal([
      'worker_abort of 1 in arbiter',
      'child_exit of 1 in arbiter',
    ])
  })

  it('in the arbiter learns the reason', async () => {
    const worker_abort = tell('worker', 'worker', '[worker.age, worker.reason]')
    const server = launchHooked(
      { worker_abort },
      { args: ['--timeout', '1', testApp('hang.ts')], errors: true },
    )
    await fetch(`${await server.running()}/hang`).catch(() => undefined)
    expect(await said(server)).to.deep.equal([1, 'its event loop stood still for timeout'])
  })
})

describe('worker_exit', () => {
  it('runs last, after the app is closed', async () => {
    const server = launchHooked(
      { worker_exit: `(server, worker) => worker.log.info('worker_exit after ' + globalThis.closed)` },
      {
        files: {
          'app.mjs': `export default (_req, res) => res.end('alive')
            export async function shutdown() { globalThis.closed = 'the app' }`,
        },
      },
    )
    await server.running()
    await server.stop()
    expect(server.log).to.contain('worker_exit after the app')
  })

  it('runs as far as it is synchronous when the app ends the process', async () => {
    const server = launchHooked(
      {
        worker_exit: `async (server, worker) => {
          worker.log.info('the synchronous part')
          await null
          worker.log.info('the rest')
        }`,
      },
      { args: [testApp('crash.ts')], errors: true },
    )
    await fetch(`${await server.running()}/crash?code=5`).catch(() => undefined)
    await server.says(/Worker 1 .* exited with code 5/)
    expect(server.log).to.contain('the synchronous part')
    expect(server.log).not.to.contain('the rest')
  })

  it('runs once, also in a worker that failed to boot', async () => {
    const server = launchHooked(talkative, {
      files: { 'app.mjs': `throw new Error('no database')` },
      errors: true,
    })
    await server.ended
    const exits = heard(server).filter(({ name }) => name === 'worker_exit')
    expect(exits.map(sentence)).to.deep.equal(['worker_exit of 1 in 1'])
  })
})

describe('post_request', () => {
  const post_request = tell(
    'worker, req, res, timing',
    'worker',
    '[req.url, res.statusCode, timing.finished, timing.duration > 0 && timing.duration < 60]',
  )
  const files = {
    'app.mjs': `export default (req, res) => {
      if (!req.url.startsWith('/stalls')) return res.writeHead(req.url === '/' ? 200 : 404).end('answer')
      res.write('part')
    }`,
  }

  it('learns status and duration of a response that was sent', async () => {
    const server = launchHooked({ post_request }, { files })
    const url = await server.running()
    await fetch(url)
    expect(await said(server)).to.deep.equal(['/', 200, true, true])
    await fetch(`${url}/nowhere`)
    expect(await said(server)).to.deep.equal(['/nowhere', 404, true, true])
  })

  it('learns that the client left before the response was sent', async () => {
    const server = launchHooked({ post_request }, { files })
    const { port } = new URL(await server.running())
    const client = connect(Number(port), '127.0.0.1')
    client.write('GET /stalls HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(client, 'data')
    client.destroy()
    expect(await said(server)).to.deep.equal(['/stalls', 200, false, true])
  })

  it('is called also for the requests that wait behind another one when the client leaves', async () => {
    const server = launchHooked(
      { pre_request: tell('worker, req', 'worker', 'req.url'), post_request },
      { files },
    )
    const { port } = new URL(await server.running())
    const client = connect(Number(port), '127.0.0.1')
    client.write('GET /stalls HTTP/1.1\r\nHost: x\r\n\r\nGET /stalls/behind HTTP/1.1\r\nHost: x\r\n\r\n')
    await server.says(/told "\/stalls\/behind"/)
    client.destroy()
    const told = [await said(server), await said(server)] as [unknown][]
    expect(told.map(([url]) => url)).to.have.members(['/stalls', '/stalls/behind'])
  })
})
