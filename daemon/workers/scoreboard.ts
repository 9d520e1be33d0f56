/** The arbiter's side of the scoreboard: creates the files, assigns slots, reads the records. */
import { closeSync, mkdtempSync, openSync, rmdirSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  fieldIndex,
  newRecord,
  readRecords,
  recordBytes,
  type ScoreRecord,
  writeRecord,
} from '../../worker/protocol/scoreboard.ts'
import { systemMessage } from '../../worker/protocol/system-error.ts'

/** Where a worker's record is. */
export interface Seat {
  readonly fd: number
  readonly slot: number
}

/**
 * The number of records in a file. It is allocated as a whole when it is created: a worker must be able to write even
 * if the file system is full. More workers get another file; running ones keep the file they inherited.
 */
export const slotsPerFile = 256

export interface ScoreboardOptions {
  /** The setting `worker_tmp_dir`. */
  readonly folder: string | null
  readonly warn: (message: string) => void
  /** Further folders to try, in this order. */
  readonly others?: readonly string[]
}

interface Board {
  readonly fd: number
  /** The age of the worker in each slot; the record itself could claim any age. */
  readonly ages: (number | undefined)[]
}

export class Scoreboard {
  readonly #options: ScoreboardOptions
  readonly #boards: Board[] = []
  /** The last read failed: all heartbeats are unknown. */
  isUnreadable = false

  constructor(options: ScoreboardOptions) {
    this.#options = options
  }

  /**
   * Reserves the lowest free slot for a worker.
   *
   * @throws Error with one message for the user, if no folder has room
   */
  take(age: number): Seat {
    const { fd, ages } = this.#boards.find(board => freeSlot(board) < slotsPerFile) ?? this.#open()
    const slot = freeSlot({ ages })
    const record = newRecord()
    record[fieldIndex('age')] = age
    writeRecord(fd, slot, record)
    ages[slot] = age
    return { fd, slot }
  }

  give({ fd, slot }: Seat): void {
    const board = this.#boards.find(one => one.fd === fd)
    if (board !== undefined) board.ages[slot] = undefined
  }

  /** The records of all workers, by age; those in a file that cannot be read are left out. */
  read(): ReadonlyMap<number, ScoreRecord> {
    let failure: Error | undefined
    const found = new Map<number, ScoreRecord>()
    for (const { fd, ages } of this.#boards) {
      try {
        for (const [slot, record] of readRecords(fd, ages.length, ages).entries()) {
          const age = ages[slot]
          if (age !== undefined) found.set(age, record)
        }
      } catch (error) {
        failure = error as Error
      }
    }
    if (failure !== undefined && !this.isUnreadable)
      this.#options.warn(`Cannot read the scoreboard: ${failure.message}`)
    this.isUnreadable = failure !== undefined
    return found
  }

  close(): void {
    for (const { fd } of this.#boards.splice(0)) closeSync(fd)
  }

  #open(): Board {
    const { folder, warn, others = usualFolders() } = this.#options
    const problems: string[] = []
    for (const candidate of folder === null ? others : [folder, ...others]) {
      const fd = openAllocated(candidate)
      if (typeof fd !== 'number') {
        problems.push(`${candidate === folder ? 'worker_tmp_dir ' : ''}"${candidate}": ${fd.message}`)
        continue
      }
      if (problems.length > 0) warn(`The scoreboard is in ${candidate} instead: ${problems.join('; ')}`)
      const board = { fd, ages: [] }
      this.#boards.push(board)
      return board
    }
    throw new Error(
      `Cannot make the scoreboard, of ${size} bytes: ${problems.join('; ')}: name a folder that has room in worker_tmp_dir`,
    )
  }
}

/**
 * Opens the file of a seat again for the worker that inherits it: what one process sets for an open file, such as that
 * every write goes to its end, holds for all that share it. Without `/proc`, all workers share the arbiter's own.
 */
export function lend({ fd }: Seat, use: (fd: number) => void): void {
  let own: number
  try {
    own = openSync(`/proc/self/fd/${fd}`, 'r+')
  } catch {
    return use(fd)
  }
  try {
    use(own)
  } finally {
    closeSync(own)
  }
}

const size = slotsPerFile * recordBytes

/** Memory first: on a disk, a heartbeat may have to wait for other writes. */
function usualFolders(): readonly string[] {
  return [...new Set(['/dev/shm', tmpdir(), '/tmp'])]
}

function freeSlot({ ages }: Pick<Board, 'ages'>): number {
  const slot = ages.indexOf(undefined)
  return slot === -1 ? ages.length : slot
}

/** Creates a file of empty records without a name: it exists as long as a process has it open. */
function openAllocated(folder: string): number | Error {
  let fd: number | undefined
  try {
    const own = mkdtempSync(join(folder, 'tsicorn-'))
    const file = join(own, 'scoreboard')
    try {
      // In a folder of another user, no existing file is opened, and only this one is removed.
      fd = openSync(file, 'wx+', 0o600)
      unlinkSync(file)
    } finally {
      rmdirSync(own)
    }
    // Not ftruncate, which would leave a hole: only written bytes have their blocks.
    const records = Buffer.alloc(size)
    for (let written = 0; written < size; )
      written += writeSync(fd, records, written, size - written, written)
    return fd
  } catch (error) {
    if (fd !== undefined) closeSync(fd)
    return new Error(systemMessage(error as Error))
  }
}
