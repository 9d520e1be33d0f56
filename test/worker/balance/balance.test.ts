/** When a worker pauses accepting, and when it goes on. */
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Balance, type Load } from '../../../worker/balance/balance.ts'
import { readLoads } from '../../../worker/balance/loads.ts'
import { pauseAccepting, resumeAccepting } from '../../../worker/balance/pausing.ts'
import { fieldIndex, monotonicNow, newRecord, writeRecord } from '../../../worker/protocol/scoreboard.ts'

/** A server whose handle says what it is told. */
function fakeServer() {
  const told: string[] = []
  const tell = (order: string) => {
    told.push(order)
    return 0
  }
  const server = createServer()
  Object.assign(server, {
    _handle: { readStart: () => tell('accept'), readStop: () => tell('pause') },
  })
  return { server, isPaused: () => told.at(-1) === 'pause', told }
}

/** A worker with so many connections and requests, beside others. */
function worker({ others, byRequests = false }: { others: Load[]; byRequests?: boolean }) {
  const record = newRecord()
  let looks = 0
  const own = () => ({
    connections: record[fieldIndex('connections')]!,
    requests: record[fieldIndex('requests_in_flight')]!,
  })
  const balance = new Balance({
    byRequests,
    record,
    readLoads() {
      looks += 1
      return [own(), ...others]
    },
  })
  const fake = fakeServer()
  balance.add(fake.server)
  const open = (connections: number, requests = 0) => {
    record[fieldIndex('connections')] = connections
    record[fieldIndex('requests_in_flight')] = requests
    balance.opened()
  }
  return { ...fake, balance, open, looks: () => looks, record }
}

const load = (connections: number, requests = 0): Load => ({ connections, requests })
const until = async (isTrue: () => boolean) => {
  while (!isTrue()) await new Promise(resolve => setTimeout(resolve, 5))
}

describe('a worker', () => {
  it('with a few connections does not look what others have', () => {
    const { open, looks, isPaused } = worker({ others: [load(0)] })
    for (let n = 1; n < 16; n += 1) open(n)
    expect(looks()).to.equal(0)
    expect(isPaused()).to.equal(false)
  })

  it('pauses with many more than the mean, and goes on when the others have more', async () => {
    const others = [load(10), load(10)]
    const { open, isPaused } = worker({ others })
    // With 19 of 39, the mean is 13, and 21 the most.
    open(19)
    expect(isPaused()).to.equal(false)
    open(26)
    expect(isPaused()).to.equal(true)
    others.splice(0, 2, load(30), load(30))
    await until(() => !isPaused())
  })

  it('goes on after a while, whatever the others have, and pauses again with the next connection', async () => {
    const { open, isPaused } = worker({ others: [load(0)] })
    open(100)
    expect(isPaused()).to.equal(true)
    await until(() => !isPaused())
    open(101)
    expect(isPaused()).to.equal(true)
    await until(() => !isPaused())
  })

  it('does not pause alone, nor where nothing can be read', () => {
    const alone = worker({ others: [] })
    alone.open(100)
    expect(alone.isPaused()).to.equal(false)
    const record = newRecord()
    record[fieldIndex('connections')] = 100
    const { server, isPaused } = fakeServer()
    const blind = new Balance({ byRequests: true, record, readLoads: () => undefined })
    blind.add(server)
    blind.opened()
    expect(isPaused()).to.equal(false)
  })

  it('does not pause while connections are short', () => {
    const { open, balance, isPaused, looks } = worker({ others: [load(0)] })
    for (let n = 0; n < 200; n += 1) balance.closed()
    open(100)
    expect(isPaused()).to.equal(false)
    expect(looks()).to.equal(0)
  })

  it('forgets what it might have when it has few again', async () => {
    const others = [load(200)]
    const { open, balance, isPaused, record } = worker({ others })
    open(100)
    expect(isPaused()).to.equal(false)
    record[fieldIndex('connections')] = 20
    balance.closed()
    others.splice(0, 1, load(0))
    open(40)
    expect(isPaused()).to.equal(true)
    balance.stop()
  })

  it('pauses for requests only where that is wanted', () => {
    const others = [load(20, 0)]
    const unwanted = worker({ others })
    unwanted.open(20, 50)
    expect(unwanted.isPaused()).to.equal(false)
    const wanted = worker({ others, byRequests: true })
    wanted.open(20, 50)
    expect(wanted.isPaused()).to.equal(true)
    wanted.balance.stop()
  })

  it('that leaves accepts what is queued', () => {
    const { open, balance, isPaused } = worker({ others: [load(0)] })
    open(100)
    balance.stop()
    expect(isPaused()).to.equal(false)
    open(101)
    expect(isPaused()).to.equal(false)
  })

  it('pauses a server that comes meanwhile', () => {
    const { open, balance } = worker({ others: [load(0)] })
    open(100)
    const late = fakeServer()
    balance.add(late.server)
    expect(late.isPaused()).to.equal(true)
    balance.stop()
    expect(late.isPaused()).to.equal(false)
  })
})

describe('to pause accepting', () => {
  const withHandle = (handle: object | null): Server => Object.assign(createServer(), { _handle: handle })

  it('is impossible where the handle was not made from a descriptor, and says so', () => {
    expect(pauseAccepting(withHandle({ readStart: () => -107, readStop: () => 0 }))).to.equal(false)
    expect(pauseAccepting(withHandle({}))).to.equal(false)
    expect(() => resumeAccepting(withHandle({}))).not.to.throw()
  })

  it('may be asked for again, and of a server that does not listen', () => {
    expect(pauseAccepting(withHandle({ readStart: () => -114, readStop: () => 0 }))).to.equal(true)
    expect(pauseAccepting(withHandle(null))).to.equal(true)
  })
})

describe('what the workers have', () => {
  let folder: string
  let fd: number
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tsicorn-loads-'))
    fd = openSync(join(folder, 'scoreboard'), 'wx+')
  })
  afterEach(() => {
    closeSync(fd)
    rmSync(folder, { recursive: true })
  })

  const recordOf = (connections: number, { accepts = 1, heartbeat = monotonicNow() } = {}) => {
    const record = newRecord()
    record[fieldIndex('accepts')] = accepts
    record[fieldIndex('heartbeat')] = heartbeat
    record[fieldIndex('connections')] = connections
    return record
  }

  it('is of those that accept, and are heard of, and its own, which others can read', () => {
    writeRecord(fd, 1, recordOf(5))
    writeRecord(fd, 2, recordOf(6, { accepts: 0 }))
    writeRecord(fd, 3, recordOf(7, { heartbeat: monotonicNow() - 60_000 }))
    const seen = readLoads({ fd, slot: 0 }, recordOf(9))?.map(({ connections }) => connections)
    expect(seen).to.deep.equal([9, 5])
    expect(readLoads({ fd, slot: 1 }, recordOf(5))?.map(({ connections }) => connections)).to.deep.equal([
      9, 5,
    ])
  })

  it('is of each thread of its own worker, and of equal parts of the others', () => {
    writeRecord(fd, 0, recordOf(100))
    writeRecord(fd, 1, recordOf(8))
    const shared = recordOf(0)
    const threads = [shared, recordOf(3), recordOf(7, { accepts: 0 })]
    const seen = readLoads({ fd, slot: 0, shared, threads }, recordOf(9))?.map(one => one.connections)
    expect(seen).to.deep.equal([9, 3, 8 / 3, 8 / 3, 8 / 3])
    expect(shared).to.deep.equal(recordOf(9, { heartbeat: shared[fieldIndex('heartbeat')] as number }))
  })

  it('is unknown where it cannot be read', () => {
    expect(readLoads({ fd: 1_000_000, slot: 0 }, newRecord())).to.equal(undefined)
  })
})
