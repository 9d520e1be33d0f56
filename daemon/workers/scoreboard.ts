/** The arbiter's side of the scoreboard: makes the files, gives out the places, reads the records. */
import { closeSync, mkdtempSync, openSync, rmdirSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getSystemErrorMessage } from 'node:util'
import {
  fieldIndex,
  newRecord,
  readRecords,
  recordBytes,
  type ScoreRecord,
  writeRecord,
} from '../../worker/protocol/scoreboard.ts'

/** Where the record of a worker is. */
export interface Seat {
  readonly fd: number
  readonly slot: number
}

/**
 * As many records as one file has room for, all of it allocated when the file is made: a worker must be able to write when
 * the file system is full. More workers get another file; those that live keep the one that they inherited.
 */
export const slotsPerFile = 256

export interface ScoreboardOptions {
  /** The setting `worker_tmp_dir`. */
  readonly folder: string | null
  readonly warn: (message: string) => void
  /** Where to look for room besides, in this order. */
  readonly others?: readonly string[]
}

interface Board {
  readonly fd: number
  /** The ages of those who have the slots; a record could say anything about that. */
  readonly ages: (number | undefined)[]
}

export class Scoreboard {
  readonly #options: ScoreboardOptions
  readonly #boards: Board[] = []
  /** The last reading has failed: nobody knows whose heart beats. */
  isUnreadable = false

  constructor(options: ScoreboardOptions) {
    this.#options = options
  }

  /**
   * Reserves the lowest free slot for a worker.
   *
   * @throws Error with one message for the user, where no folder has room for it
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

  /** The records of all workers, by age; of those that can be read. */
  read(): ReadonlyMap<number, ScoreRecord> {
    let failure: Error | undefined
    const found = new Map<number, ScoreRecord>()
    for (const { fd, ages } of this.#boards) {
      try {
        for (const [slot, record] of readRecords(fd, ages.length).entries()) {
          const age = ages[slot]
          if (age !== undefined) found.set(age, { ...record, age })
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

const size = slotsPerFile * recordBytes

/** Memory first: on a disk, a heartbeat may have to wait for others. */
function usualFolders(): readonly string[] {
  return [...new Set(['/dev/shm', tmpdir(), '/tmp'])]
}

function freeSlot({ ages }: Pick<Board, 'ages'>): number {
  const slot = ages.indexOf(undefined)
  return slot === -1 ? ages.length : slot
}

/** A new file that is full of empty records and has no name: it lives as long as a process has it open. */
function openAllocated(folder: string): number | Error {
  let fd: number | undefined
  try {
    const own = mkdtempSync(join(folder, 'tsicorn-'))
    const file = join(own, 'scoreboard')
    try {
      // Where the folder is somebody else's, nothing that stands there is opened, and nothing but this is removed.
      fd = openSync(file, 'wx+', 0o600)
      unlinkSync(file)
    } finally {
      rmdirSync(own)
    }
    // Not ftruncate, and not all zeros in one hole: only what was written has its blocks.
    const records = Buffer.alloc(size)
    for (let written = 0; written < size; )
      written += writeSync(fd, records, written, size - written, written)
    return fd
  } catch (error) {
    if (fd !== undefined) closeSync(fd)
    const { errno, message } = error as NodeJS.ErrnoException
    return new Error(errno === undefined ? message : getSystemErrorMessage(errno))
  }
}
