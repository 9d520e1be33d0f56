/** The fork servers of generations: each leaves when nothing of its generation is left, and none is forgotten. */
import { expect } from 'chai'
import type { Resolved } from '../../../config/resolve/resolve.ts'
import { AppBinds } from '../../../daemon/generation/app-binds.ts'
import type { Forks } from '../../../daemon/generation/generation.ts'
import { Generations, type GenerationsEvent } from '../../../daemon/generation/generations.ts'
import type { Listeners } from '../../../daemon/sockets/listeners.ts'
import { resolvedFrom } from '../arbiter/fake-server.ts'

describe('the fork servers of generations', () => {
  let resolved: Resolved
  let closed: string[]
  let events: GenerationsEvent[]
  let started: number
  let wake: () => void
  let whenPreloaded: (signal: AbortSignal) => void

  beforeEach(async () => {
    resolved = await resolvedFrom('-b', ':7', '--preload')
    closed = []
    events = []
    started = 0
    whenPreloaded = () => undefined
  })

  function made(): Generations {
    const listeners: Partial<Listeners> = { open: async () => [], release: () => undefined }
    const put = (event: GenerationsEvent) => {
      events.push(event)
      wake?.()
    }
    const preload = async (_: Resolved, signal: AbortSignal): Promise<Forks> => {
      started += 1
      const path = `${started}`
      whenPreloaded(signal)
      return { path, close: () => void closed.push(path) }
    }
    return new Generations(put, listeners as Listeners, new AppBinds({ binds: [], late: [] }), preload)
  }

  async function prepare(generations: Generations): Promise<GenerationsEvent | undefined> {
    generations.prepare({ read: async () => resolved })
    while (events.length === 0)
      await new Promise<void>(resolve => {
        wake = resolve
      })
    return events.shift()
  }

  async function activate(generations: Generations): Promise<void> {
    const event = await prepare(generations)
    generations.finishPreparing()
    if (event?.type === 'prepared') generations.activate(event.generation)
  }

  it('leave with their last worker, or when the generation is dropped', async () => {
    const generations = made()
    await activate(generations)
    expect(generations.current?.forks?.path).to.equal('1')
    generations.confirm()
    await activate(generations)
    generations.keepForks([1, 2])
    // The last good one is what a failed reload goes back to.
    generations.keepForks([2])
    expect(closed).to.deep.equal([])
    generations.confirm()
    generations.keepForks([1, 2])
    expect(closed).to.deep.equal([])
    generations.keepForks([2])
    expect(closed).to.deep.equal(['1'])
    generations.deactivate()
    generations.keepForks([])
    expect(closed, 'it may come back').to.deep.equal(['1'])
    generations.keepForks()
    expect(closed).to.deep.equal(['1', '2'])
  })

  it('stay while a generation is prepared, and leave if it comes too late', async () => {
    const generations = made()
    await prepare(generations)
    generations.keepForks([])
    expect(closed).to.deep.equal([])
    generations.finishPreparing()
    generations.keepForks([])
    expect(closed).to.deep.equal(['1'])
  })

  it('leave at once if the preparation was aborted meanwhile', async () => {
    const generations = made()
    whenPreloaded = () => generations.cancel()
    expect((await prepare(generations))?.type).to.equal('prepare failed')
    expect(closed).to.deep.equal(['1'])
  })
})
