/** Generations are prepared step by step, and one that fails or is out of date takes no number. */
import { expect } from 'chai'
import type { Resolved } from '../../../config/resolve/resolve.ts'
import { AppBinds } from '../../../daemon/generation/app-binds.ts'
import {
  Generations,
  type GenerationsEvent,
  NotLoaded,
  type Preparation,
} from '../../../daemon/generation/generations.ts'
import type { Listeners } from '../../../daemon/sockets/listeners.ts'
import { BindError, type Listener } from '../../../daemon/sockets/sockets.ts'
import { generation, resolvedFrom } from '../arbiter/fake-server.ts'

describe('generations', () => {
  let resolved: Resolved
  let done: string[]
  let events: GenerationsEvent[]
  let wake: () => void
  let bindFails: Error | undefined
  let notLoaded: string | undefined

  beforeEach(async () => {
    resolved = await resolvedFrom('-b', ':7')
    done = []
    events = []
    bindFails = undefined
    notLoaded = undefined
  })

  function made(): Generations {
    const listeners: Partial<Listeners> = {
      open: async addresses => {
        done.push('bind')
        if (bindFails !== undefined) throw bindFails
        return addresses.map(() => ({ key: 'k', name: 'http://127.0.0.1:7' }) as Listener)
      },
      release: () => void done.push('release'),
    }
    const put = (event: GenerationsEvent) => {
      events.push(event)
      wake?.()
    }
    const preload = async () => {
      done.push('preload')
      return notLoaded
    }
    return new Generations(put, listeners as Listeners, new AppBinds({ binds: [], late: [] }), preload)
  }

  const outcome = async () => {
    while (events.length === 0)
      await new Promise<void>(resolve => {
        wake = resolve
      })
    return events.shift()
  }

  const steps = (changes: Partial<Preparation> = {}): Preparation => ({
    read: async () => resolved,
    before: async () => void done.push('before'),
    after: async () => void done.push('after'),
    ...changes,
  })

  it('are prepared step by step, and numbered once they are', async () => {
    const generations = made()
    generations.prepare(steps())
    expect(generations.isPreparing).to.equal(true)
    const event = await outcome()
    expect(done).to.deep.equal(['before', 'bind', 'after'])
    expect(event?.type === 'prepared' && event.generation.number).to.equal(1)
    expect(generations.current, 'the arbiter decides').to.equal(undefined)
    expect(generations.finishPreparing()).to.equal(true)
    expect([generations.isPreparing, generations.newest, done.at(-1)]).to.deep.equal([false, 1, 'release'])
  })

  it('are not, and take no number, if a step fails; no further step begins', async () => {
    const generations = made()
    generations.prepare(steps({ before: async () => Promise.reject(new Error('on_starting')) }))
    const event = await outcome()
    expect(event?.type === 'prepare failed' && (event.error as Error).message).to.equal('on_starting')
    expect([done, generations.newest]).to.deep.equal([[], 0])
  })

  it('are prepared again if somebody asks meanwhile: the outcome of the first is out of date', async () => {
    const generations = made()
    const aborted: boolean[] = []
    const read = (signal: AbortSignal) =>
      new Promise<Resolved>((_, reject) =>
        signal.addEventListener('abort', () => {
          aborted.push(true)
          reject(signal.reason)
        }),
      )
    generations.prepare(steps({ read }))
    generations.prepare(steps({ before: async () => Promise.reject(new Error('never asked')) }))
    generations.prepare(steps())
    expect((await outcome())?.type).to.equal('prepare failed')
    expect([generations.finishPreparing(), aborted]).to.deep.equal([false, [true]])
    expect((await outcome())?.type, 'only the newest follows').to.equal('prepared')
    expect(generations.finishPreparing()).to.equal(true)
  })

  it('have their app loaded last where that is wanted, and fail if it does not load', async () => {
    resolved = await resolvedFrom('-b', ':7', '--preload')
    const generations = made()
    generations.prepare(steps())
    expect((await outcome())?.type).to.equal('prepared')
    expect(done).to.deep.equal(['before', 'bind', 'after', 'preload'])
    generations.finishPreparing()
    notLoaded = 'no database'
    generations.prepare(steps())
    const event = await outcome()
    expect(event?.type === 'prepare failed' && event.error).to.be.instanceOf(NotLoaded)
  })

  it('are given up with the reason, or for good', async () => {
    const generations = made()
    const read = (signal: AbortSignal) =>
      new Promise<Resolved>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    generations.prepare(steps({ read }))
    generations.fail(new Error('a stray error'))
    const event = await outcome()
    expect(event?.type === 'prepare failed' && (event.error as Error).message).to.equal('a stray error')
    generations.finishPreparing()
    generations.prepare(steps({ read }))
    generations.prepare(steps())
    done = []
    generations.cancel()
    expect(done, 'whoever leaves now empties the queues').to.deep.equal(['release'])
    await outcome()
    expect(generations.finishPreparing(), 'nothing follows').to.equal(true)
  })

  it('need their addresses, except for a default that the app may not need', async () => {
    bindFails = new BindError(
      { kind: 'tcp', host: '127.0.0.1', port: 7 },
      Object.assign(new Error('in use'), { code: 'EOTHER' }),
    )
    const generations = made()
    generations.prepare(steps())
    const event = await outcome()
    expect(event?.type === 'prepare failed' && event.error).to.equal(bindFails)
    generations.finishPreparing()
    resolved = await resolvedFrom()
    generations.prepare(steps())
    const other = await outcome()
    expect(other?.type === 'prepared' && other.generation).to.include({
      failure: 'Cannot bind 127.0.0.1:7: in use',
    })
  })

  it('have one that is wanted and one to go back to', async () => {
    const [first, second] = [await generation(1), await generation(2)]
    const generations = made()
    generations.activate(first)
    expect([generations.current, generations.lastGood]).to.deep.equal([first, undefined])
    generations.confirm()
    generations.activate(second)
    expect([generations.current, generations.lastGood]).to.deep.equal([second, first])
    const tls = { cert: 'c' } as NonNullable<typeof first.tls>
    generations.renew(1, tls)
    expect([first.tls, second.tls]).to.deep.equal([tls, undefined])
    generations.deactivate()
    expect([generations.current, generations.lastGood]).to.deep.equal([undefined, first])
  })
})
