/** Heartbeats of workers in shared files: where there is room for them, whose they are, and what is not believed. */
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Scoreboard, slotsPerFile } from '../../../daemon/workers/scoreboard.ts'
import {
  fieldIndex,
  monotonicNow,
  newRecord,
  type RecordField,
  recordBytes,
  recordFields,
  writeRecord,
} from '../../../worker/protocol/scoreboard.ts'

const mounted: string[] = []
const opened: Scoreboard[] = []

afterEach(() => {
  for (const board of opened.splice(0)) board.close()
  for (const folder of mounted.splice(0)) {
    spawnSync('umount', [folder])
    rmSync(folder, { recursive: true })
  }
})

function scoreboard(folder: string | null, others: readonly string[] = [tmpdir()]) {
  const warnings: string[] = []
  const board = new Scoreboard({ folder, others, warn: message => warnings.push(message) })
  opened.push(board)
  return { board, warnings }
}

/** A file system of its own, in memory; undefined where this process may not mount one. */
function smallFolder(size: string): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'tsicorn-test-small-'))
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', folder]).status === 0) {
    mounted.push(folder)
    return folder
  }
  rmSync(folder, { recursive: true })
  return undefined
}

function fill(folder: string): void {
  expect(() => writeFileSync(join(folder, 'filler'), Buffer.alloc(1 << 20))).to.throw('ENOSPC')
}

function recordOf(values: Partial<Record<RecordField, number>>): Float64Array {
  const record = newRecord()
  for (const [field, value] of Object.entries(values)) record[fieldIndex(field as RecordField)] = value
  return record
}

describe('the scoreboard', () => {
  it('has room for the heartbeats of its workers when the file system is full', function () {
    const folder = smallFolder('80k')
    if (folder === undefined) return this.skip()
    const { board, warnings } = scoreboard(folder)
    const first = board.take(1)
    fill(folder)
    for (let age = 2; age <= slotsPerFile; age += 1) {
      const { fd, slot } = board.take(age)
      writeRecord(fd, slot, recordOf({ age, heartbeat: 1 }))
    }
    writeRecord(first.fd, first.slot, recordOf({ age: 1, heartbeat: 1 }))
    const heartbeats = [...board.read().values()].map(({ heartbeat }) => heartbeat)
    expect(heartbeats).to.deep.equal(Array.from({ length: slotsPerFile }, () => 1))
    expect(warnings).to.deep.equal([])
  })

  it('goes on in another folder when there are more workers than it has room for', function () {
    const folder = smallFolder('80k')
    if (folder === undefined) return this.skip()
    const { board, warnings } = scoreboard(folder)
    const seats = Array.from({ length: slotsPerFile + 2 }, (_, index) => board.take(index + 1))
    expect(new Set(seats.map(({ fd }) => fd)).size).to.equal(2)
    expect([...board.read().keys()]).to.deep.equal(seats.map((_, index) => index + 1))
    expect(warnings).to.have.length(1)
    expect(warnings[0])
      .to.include(`The scoreboard is in ${tmpdir()} instead`)
      .and.to.include('no space left on device')
  })

  it('names worker_tmp_dir where that folder cannot be used, and takes another', () => {
    const { board, warnings } = scoreboard('/no/such/folder')
    board.take(1)
    expect(warnings).to.deep.equal([
      `The scoreboard is in ${tmpdir()} instead: worker_tmp_dir "/no/such/folder": no such file or directory`,
    ])
  })

  it('says which folders it tried where none can be used, and tries again the next time', function () {
    const folder = smallFolder('16k')
    if (folder === undefined) return this.skip()
    const { board } = scoreboard('/no/such/folder', [folder])
    expect(() => board.take(1)).to.throw(
      /^Cannot make the scoreboard, of 65536 bytes: worker_tmp_dir "\/no.*no such file.*; ".*no space left.*: name a folder that has room in worker_tmp_dir$/,
    )
    spawnSync('mount', ['-o', 'remount,size=80k', folder])
    expect(board.take(1).slot).to.equal(0)
  })

  it('gives a place to another worker when its own is gone, empty', () => {
    const { board } = scoreboard(null)
    const seats = [1, 2, 3].map(age => board.take(age))
    const [, second] = seats as [unknown, (typeof seats)[0]]
    writeRecord(second.fd, second.slot, recordOf({ age: 2, heartbeat: 1, connections: 5 }))
    board.give(second)
    expect([...board.read().keys()]).to.deep.equal([1, 3])
    expect(board.take(4)).to.deep.equal(second)
    expect(board.read().get(4)).to.include({ age: 4, heartbeat: 0, connections: 0 })
  })

  it('believes no heartbeat of the future, no age but the one that it gave, and no number that cannot be', () => {
    const { board } = scoreboard(null)
    const { fd, slot } = board.take(7)
    const impossible = {
      age: 3,
      heartbeat: monotonicNow() + 60_000,
      connections: -1,
      requests_in_flight: Number.NaN,
      responses_2: 1.5,
      utilization: 2,
      delay: Infinity,
      rss: 1e300,
      responses_5: 4,
    }
    writeRecord(fd, slot, recordOf(impossible))
    const nothing = Object.fromEntries(Object.keys(impossible).map(field => [field, 0]))
    expect(board.read().get(7)).to.include({ ...nothing, age: 7, responses_5: 4 })
    expect(board.read().has(3)).to.equal(false)
  })

  it('that cannot be read has no records, and says so once', () => {
    const { board, warnings } = scoreboard(null)
    const { fd } = board.take(1)
    closeSync(fd)
    opened.pop()
    expect([...board.read(), ...board.read()]).to.deep.equal([])
    expect(board.isUnreadable).to.equal(true)
    expect(warnings).to.deep.equal(['Cannot read the scoreboard: EBADF: bad file descriptor, read'])
  })

  it('of which one part cannot be read has the records of the others, and says so once', () => {
    const { board, warnings } = scoreboard(null)
    const { fd } = board.take(1)
    const last = slotsPerFile + 1
    for (let age = 2; age < last; age += 1) board.take(age)
    const other = board.take(last)
    closeSync(fd)
    opened.pop()
    expect([...board.read().keys(), ...board.read().keys()]).to.deep.equal([last, last])
    expect(board.isUnreadable).to.equal(true)
    expect(warnings).to.have.length(1)
    closeSync(other.fd)
  })

  it('survives any bytes that a worker writes', () => {
    const { board } = scoreboard(null)
    const { fd } = board.take(1)
    board.take(2)
    writeSync(fd, Buffer.alloc(recordBytes * 2, 0xff), 0, recordBytes * 2, 0)
    for (const record of board.read().values()) {
      expect(recordFields.map(field => record[field]).filter(value => value !== 0)).to.deep.equal([
        record.age,
      ])
    }
  })
})
