/** The arbiter's side of the scoreboard: makes the file, gives out the slots, reads the records. */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmdirSync, statSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  fieldIndex,
  newRecord,
  readRecords,
  type ScoreRecord,
  writeRecord,
} from '../worker/scoreboard-layout.ts'

export interface Scoreboard {
  readonly fd: number
  /** Reserves the lowest free slot for a worker. */
  take(age: number): number
  give(slot: number): void
  /** The records of all workers, by age; a worker that never wrote has no record. */
  read(): ReadonlyMap<number, ScoreRecord>
  close(): void
}

/**
 * Makes the file in `folder` (the setting `worker_tmp_dir`), or where memory is the disk, and unlinks it at once: it
 * lives as long as a process has it open.
 */
export function openScoreboard(folder: string | null): Scoreboard {
  const fd = openUnlinked(folder ?? defaultFolder())
  const taken = new Set<number>()
  let slots = 0
  return {
    fd,
    take(age) {
      let slot = 0
      while (taken.has(slot)) slot += 1
      taken.add(slot)
      slots = Math.max(slots, slot + 1)
      ftruncateSync(fd, slots * newRecord().byteLength)
      const record = newRecord()
      record[fieldIndex('age')] = age
      writeRecord(fd, slot, record)
      return slot
    },
    give: slot => void taken.delete(slot),
    read: () => new Map(readRecords(fd, slots).map(record => [record.age, record])),
    close: () => closeSync(fd),
  }
}

function openUnlinked(folder: string): number {
  const own = mkdtempSync(join(folder, 'tsicorn-'))
  const file = join(own, 'scoreboard')
  try {
    // Where the folder is somebody else's, nothing that stands there is opened, and nothing but this is removed.
    const fd = openSync(file, 'wx+', 0o600)
    unlinkSync(file)
    return fd
  } finally {
    rmdirSync(own)
  }
}

function defaultFolder(): string {
  return statSync('/dev/shm', { throwIfNoEntry: false })?.isDirectory() && process.getuid !== undefined
    ? '/dev/shm'
    : tmpdir()
}
