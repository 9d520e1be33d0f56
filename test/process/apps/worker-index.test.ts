/** Each worker has an index that no other has, and its successor takes it over. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { eventually, launch, type Tsicorn } from '../../support/tsicorn.ts'

interface Seen {
  readonly pid: number
  readonly atLoad: string
  readonly instance: string
}

const app = `
  const atLoad = process.env.TSICORN_WORKER_INDEX
  export default (req, res) => {
    const { pid, env } = process
    res.end(JSON.stringify({ pid, atLoad, instance: env.NODE_APP_INSTANCE }))
  }`

const config = `
  import { appendFileSync } from 'node:fs'
  export default {
    app: './app.mjs',
    bind: ['127.0.0.1:0'],
    workers: 2,
    pre_fork: (server, worker) => appendFileSync('indexes', 'arbiter ' + worker.index + '\\n'),
    post_fork: (server, worker) =>
      appendFileSync('indexes', 'worker ' + worker.index + ' ' + process.env.TSICORN_WORKER_INDEX + '\\n'),
  }`

describe('the index of a worker', () => {
  it('is its own, known before hooks and app are loaded, and given to its successor', async () => {
    const server = launch({ files: { 'tsicorn.config.mjs': config, 'app.mjs': app }, errors: true })
    const url = await server.running()
    const first = await seenBy(server, url, 2)
    expect([...first.keys()].sort()).to.deep.equal(['0', '1'])
    const lines = readFileSync(join(server.folder, 'indexes'), 'utf8').trim().split('\n').sort()
    expect(lines).to.deep.equal(['arbiter 0', 'arbiter 1', 'worker 0 0', 'worker 1 1'])

    process.kill(first.get('1') as number, 'SIGKILL')
    await server.says(/Booting worker 3/)
    const second = await seenBy(server, url, 2)
    expect(second.get('0')).to.equal(first.get('0'))
    expect(second.get('1')).not.to.equal(first.get('1'))

    await server.reload()
    const third = await seenBy(server, url, 2)
    expect([...third.keys()].sort()).to.deep.equal(['0', '1'])
    expect([...second.values()]).not.to.include.members([...third.values()])

    server.signal('SIGTTIN')
    await server.says(/Booting worker 6/)
    expect([...(await seenBy(server, url, 3)).keys()].sort()).to.deep.equal(['0', '1', '2'])
    server.signal('SIGTTOU')
    await server.says(/Worker 6 .* exited with code 0: surplus/)
    expect(await seenBy(server, url, 2)).to.deep.equal(third)
  })

  it('is that of the worker that needs recycling for its successor', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-w', '2', '--max-requests', '20', './app.mjs'],
      files: { 'app.mjs': app },
    })
    const url = await server.running()
    const first = await seenBy(server, url, 2)
    await eventually('one needs recycling', async () => {
      await fetch(url, { headers: { connection: 'close' } })
      return /Worker 1 .* exited with code 0: max_requests/.test(server.log)
    })
    const second = await seenBy(server, url, 2)
    expect([...second.keys()].sort()).to.deep.equal(['0', '1'])
    expect(second.get('0')).not.to.equal(first.get('0'))
  })
})

/** The process ids of so many workers by the index that each has; every answer is checked. */
async function seenBy(server: Tsicorn, url: string, number: number): Promise<Map<string, number>> {
  const seen = new Map<string, number>()
  await eventually(`${number} workers answer`, async () => {
    const response = await fetch(url, { headers: { connection: 'close' } })
    const { pid, atLoad, instance } = (await response.json()) as Seen
    expect(instance).to.equal(atLoad)
    seen.set(atLoad, pid)
    // One that is about to leave may have answered.
    return seen.size === number && [...seen.values()].every(one => server.workers.includes(one))
  })
  return seen
}
