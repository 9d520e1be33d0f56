/** What comes before a new arbiter: one preparation at a time, which may fail or be taken back. */
import { expect } from 'chai'
import type { Upgrader, UpgraderEvent } from '../../../daemon/process/upgrader.ts'

/** In an arbiter, the module takes `process.send` away from configurations; the test runner needs its own. */
async function withoutChannel() {
  const { send } = process
  const module = await import('../../../daemon/process/upgrader.ts')
  if (send !== undefined) process.send = send
  return module
}

describe('an upgrade that is being prepared', () => {
  let Subject: typeof Upgrader

  before(async () => {
    Subject = (await withoutChannel()).Upgrader
  })

  function preparing() {
    const events: UpgraderEvent[] = []
    const upgrader = new Subject({ oldArbiter: undefined }, event => void events.push(event))
    events.length = 0
    const work = Promise.withResolvers<void>()
    upgrader.prepare(work.promise)
    return { upgrader, events, ...work }
  }
  const turn = () => new Promise(resolve => setImmediate(resolve))

  it('keeps others away, and counts as an upgrade, until there is a new arbiter', async () => {
    const { upgrader, events, resolve } = preparing()
    expect(upgrader.refusal).to.equal('an upgrade is being prepared already')
    expect(upgrader.isUpgrading).to.equal(true)
    resolve()
    await turn()
    expect(events).to.deep.equal([{ type: 'upgrade prepared' }])
    expect(upgrader.isUpgrading).to.equal(true)
  })

  it('is abandoned when that fails, and another may begin', async () => {
    const { upgrader, events, reject } = preparing()
    reject(new Error('not today'))
    await turn()
    expect(events).to.deep.equal([{ type: 'upgrade abandoned', why: 'not today' }])
    expect(upgrader.refusal).to.equal(undefined)
    expect(upgrader.isUpgrading).to.equal(false)
  })

  it('is taken back at once, also when the preparation has just ended, and its end means nothing after that', async () => {
    for (const isDone of [false, true]) {
      const { upgrader, events, resolve } = preparing()
      if (isDone) {
        resolve()
        await turn()
      }
      expect(upgrader.recall()).to.equal(true)
      expect(upgrader.isPreparing).to.equal(false)
      expect(upgrader.recall()).to.equal(false)
      resolve()
      await turn()
      expect(events.at(-1)).to.deep.equal({ type: 'upgrade abandoned', why: 'it was taken back' })
    }
  })
})
