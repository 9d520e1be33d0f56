/** The feed of the status page, with clients that read, and those that do not. */
import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { mock } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import type { FeedMessage } from '../../../control/protocol/messages.ts'
import { Feed } from '../../../daemon/admin/feed.ts'
import { Journal } from '../../../daemon/logs/journal.ts'
import type { AdministeredServer } from '../../../daemon/metrics/counters.ts'

/** A client that has read everything, unless it has something left. */
class FakeResponse extends EventEmitter {
  writableLength = 0
  destroyed = false
  text = ''
  readonly socket = { setTimeout: () => undefined }

  writeHead(): void {
    expect(this.text).to.equal('')
  }

  write(text: string | Buffer): void {
    this.text += text.toString()
  }

  destroy(): void {
    this.destroyed = true
    this.emit('close')
  }

  get messages(): readonly FeedMessage[] {
    return Array.from(this.text.matchAll(/^data: (.*)$/gm), ([, data]) => JSON.parse(data as string))
  }

  get events(): readonly object[] {
    return this.messages.flatMap(({ events }) => events)
  }
}

function makeFeed() {
  const journal = new Journal()
  const server = {
    ...{ phase: { name: 'running' }, scale: { wanted: 0 }, fleet: { workers: [] }, generations: {} },
    ...{ upgrader: {}, resolved: { parsed: { name: 'shop' } }, startedAt: 0, records: () => new Map() },
    journal,
  } as unknown as AdministeredServer
  const feed = new Feed(server, '1.0.0', true)
  const add = (lastId?: string) => {
    const res = new FakeResponse()
    feed.add(res as unknown as ServerResponse, lastId)
    return res
  }
  return { feed, journal, add }
}

async function pass(seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds * 10; passed += 1) {
    mock.timers.tick(100)
    await turn()
  }
}

describe('the feed of the status page', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
  afterEach(() => mock.timers.reset())

  it('leaves out a client that does not read, tells it later what it missed, and cuts it at last', async () => {
    const { feed, journal, add } = makeFeed()
    const [good, slow] = [add(), add()]
    await pass(1)
    const before = slow.text
    slow.writableLength = 1
    journal.note({ type: 'serving', generation: 2 })
    await pass(4)
    expect(slow.text).to.equal(before)
    expect(good.events).to.have.length(1)
    slow.writableLength = 0
    await pass(2)
    expect(slow.events).to.have.length(1)
    slow.writableLength = 1
    await pass(60)
    expect(slow.destroyed).to.equal(true)
    expect(good.destroyed).to.equal(false)
    expect(feed.isFull).to.equal(false)
  })

  it('keeps a bounded number of events, in bounded length', async () => {
    const { journal, add } = makeFeed()
    const slow = add()
    await pass(1)
    slow.writableLength = 1
    for (let at = 0; at < 1_000; at += 1) journal.note({ type: 'upgrade failed', error: 'x'.repeat(100_000) })
    await pass(1)
    slow.writableLength = 0
    await pass(2)
    expect(slow.events).to.have.length(100)
    expect(slow.text.length).to.be.below(150_000)
  })

  it('keeps events for one that left while it was to be told', async () => {
    const { journal, add } = makeFeed()
    const first = add()
    mock.timers.tick(0)
    first.destroy()
    await pass(5)
    journal.note({ type: 'serving', generation: 2 })
    const again = add()
    await pass(1)
    expect(again.events).to.have.length(1)
    again.destroy()
  })

  it('follows nothing when nobody has watched for a while', async () => {
    const { journal, add } = makeFeed()
    add().destroy()
    journal.note({ type: 'serving', generation: 2 })
    const soon = add()
    await pass(1)
    expect(soon.events).to.have.length(1)
    soon.destroy()
    await pass(40)
    journal.note({ type: 'serving', generation: 3 })
    const late = add()
    await pass(1)
    expect(late.events).to.deep.equal([])
    late.destroy()
  })
})
