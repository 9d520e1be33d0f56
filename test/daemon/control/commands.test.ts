/** What clients ask about thousands of workers holds up the arbiter no longer than about a few. */
import { expect } from 'chai'
import { obey } from '../../../daemon/control/commands.ts'
import type { Controls } from '../../../daemon/control/controlled.ts'
import { Journal } from '../../../daemon/logs/journal.ts'
import { mostPerTurn } from '../most-per-turn.ts'

const workers = 4_096

/** An arbiter with that many workers, which counts the rows that are made of them, in all and at most in one turn. */
function manyWorkers() {
  let made = 0
  const fleet = {
    workers: Array.from({ length: workers }, (_, index) => ({
      ...{ pid: 1_000 + index, age: index + 1, index, generation: 1, state: 'ready', heartbeat: 0 },
      get born() {
        made += 1
        return 0
      },
    })),
  }
  const server = {
    ...{ phase: { name: 'running' }, scale: { wanted: workers }, fleet, generations: {}, upgrader: {} },
    ...{ resolved: { parsed: { name: 'shop' } }, startedAt: 0, journal: new Journal() },
    records: () => new Map(),
  }
  const controls = { server, version: '1.0.0' } as unknown as Controls
  /** Resolves with the answer. */
  const ask = async (command: string): Promise<{ readonly workers: readonly object[] }> => {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const reply = {
      ...{ place: 'here', progress: () => undefined, onEnd: () => undefined },
      ok: (data: unknown) => resolve(JSON.stringify(data)),
      okText: (text: Buffer) => resolve(text.toString()),
      error: (text: string) => reject(new Error(text)),
    }
    obey(controls, { command, args: [], reply })
    return JSON.parse(await promise)
  }
  return { ask, made: () => made }
}

describe('what clients ask about 4,096 workers', () => {
  for (const command of ['show all', 'show workers'])
    it(`is made in short pieces: ${command}`, async () => {
      const { ask, made } = manyWorkers()
      const answer = ask(command)
      expect(await mostPerTurn(made, answer)).to.be.within(1, workers / 4)
      expect((await answer).workers).to.have.length(workers)
      expect((await answer).workers[5]).to.include({ pid: 1_005, age: 6, state: 'ready' })
    })

  it('is made once for all who wait for it', async () => {
    const { ask, made } = manyWorkers()
    const answers = await Promise.all(Array.from({ length: 32 }, () => ask('show all')))
    expect(answers.every(answer => answer.workers.length === workers)).to.equal(true)
    expect(made()).to.be.within(workers, 2 * workers)
  })

  it('has in it what was done before it was asked for', async () => {
    const { ask, made } = manyWorkers()
    const first = ask('show all')
    await first
    await ask('show all')
    expect(made()).to.equal(2 * workers)
  })
})
