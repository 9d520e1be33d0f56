/**
 * The file with the arbiter's process id. It is claimed before anything else happens and written when the server
 * serves: of two servers started with the same file, one gets it.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import type { Resolved } from '../../config/resolve/resolve.ts'
import { inPlace } from '../../worker/protocol/safe-open.ts'
import { systemMessage } from '../../worker/protocol/system-error.ts'
import { randomName } from '../system/random-name.ts'
import { type Lock, LockedError, takeLock } from './lock.ts'

/** Another server has the file, or it cannot be created. */
export class PidfileError extends Error {
  override readonly name = 'PidfileError'
}

/** The path of the pidfile; a new arbiter has its own, beside that of the old arbiter. */
export function pidfileOf({ parsed: { pidfile } }: Resolved, isNewArbiter: boolean): string | undefined {
  return pidfile === null ? undefined : `${pidfile}${isNewArbiter ? '.2' : ''}`
}

interface Claim {
  readonly path: string
  readonly lock: Lock
  /** The written file, kept open: no other file can get its inode, which identifies it. */
  fd?: number
}

export class Pidfile {
  readonly #report: (message: string) => void
  #current: Claim | undefined
  /** Replaces the current claim when it is published; without a `claim`, no file is wanted any more. */
  #next: { readonly claim: Claim | undefined } | undefined
  #isPublished = false
  readonly #onExit = () => this.close()

  /** `report` gets the errors that are no reason to stop. */
  constructor(report: (message: string) => void) {
    this.#report = report
    process.once('exit', this.#onExit)
  }

  /**
   * Claims a path without touching the file; undefined for no file. Gives up the claim before it, unless that is
   * published: then it stays until `publish`.
   *
   * @throws PidfileError
   */
  claim(path: string | undefined): void {
    this.withdraw()
    if (path === this.#current?.path) return
    this.#next = { claim: path === undefined ? undefined : this.#take(path) }
  }

  /** Writes the claimed file, even if it was removed meanwhile, and removes the one before it. */
  publish(): void {
    this.#isPublished = true
    const before = this.#current
    if (this.#next !== undefined) this.#current = this.#next.claim
    this.#next = undefined
    if (this.#current !== undefined) this.#write(this.#current)
    if (before !== undefined && before !== this.#current) this.#remove(before)
  }

  /** Gives up a claim that is not published. */
  withdraw(): void {
    this.#next?.claim?.lock.release()
    this.#next = undefined
  }

  /** Moves to another path, at once or when the first file would be published. Reports errors. */
  move(path: string | undefined): void {
    try {
      this.claim(path)
      if (this.#isPublished) this.publish()
    } catch (error) {
      this.#report((error as Error).message)
    }
  }

  /** Removes the file and gives up all claims; so does the exit of the process, whatever its cause. */
  close(): void {
    process.off('exit', this.#onExit)
    this.withdraw()
    if (this.#current !== undefined) this.#remove(this.#current)
    this.#current = undefined
  }

  #take(path: string): Claim {
    try {
      const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory()
      if (isFolder) throw Object.assign(new Error(path), { code: 'EISDIR' })
      const lost = (error: Error) =>
        this.#report(
          `The lock of the pidfile "${path}" is lost: ${error.message}: a second server could start`,
        )
      return { path, lock: takeLock(`${path}.lock`, lost) }
    } catch (error) {
      throw new PidfileError(explain(path, error as Error), { cause: error })
    }
  }

  #write(claim: Claim): void {
    try {
      const fd = inPlace(claim.path, replaceFile)
      if (claim.fd !== undefined) closeSync(claim.fd)
      claim.fd = fd
    } catch (error) {
      this.#report(explain(claim.path, error as Error))
    }
  }

  #remove({ path, lock, fd }: Claim): void {
    try {
      if (fd !== undefined) inPlace(path, place => removeFile(place, fd))
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code !== 'ENOENT') this.#report(`Cannot remove the pidfile "${path}": ${message}`)
    }
    lock.release()
  }
}

/** The draft's name cannot be guessed, and no existing file is written to. */
function replaceFile(place: string): number {
  const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  const draft = `${place}.${randomName()}.tmp`
  const fd = openSync(draft, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644)
  try {
    writeSync(fd, `${process.pid}\n`)
    renameSync(draft, place)
    return fd
  } catch (error) {
    closeSync(fd)
    try {
      unlinkSync(draft)
    } catch {
      // It stays, as the folder is what fails.
    }
    throw error
  }
}

function removeFile(place: string, fd: number): void {
  try {
    const [own, found] = [fstatSync(fd, { bigint: true }), lstatSync(place, { bigint: true })]
    // Another process may have written its own id into it.
    const text = Buffer.alloc(own.size > 100n ? 0 : Number(own.size))
    readSync(fd, text, 0, text.length, 0)
    const isOurs = own.dev === found.dev && own.ino === found.ino
    if (isOurs && text.toString() === `${process.pid}\n`) unlinkSync(place)
  } finally {
    closeSync(fd)
  }
}

function explain(path: string, error: NodeJS.ErrnoException): string {
  if (error instanceof LockedError) {
    const cure = 'stop that one, or set another pidfile'
    return `Cannot take the pidfile "${path}": the server with pid ${error.pid} has it: ${cure}`
  }
  const { code, message } = error
  // An error of ours says the cure itself.
  if (code === undefined) return `Cannot create the pidfile "${path}": ${message}`
  const folder = dirname(path)
  const known: Readonly<Record<string, string>> = {
    ENOENT: `the folder "${folder}" does not exist: create it first`,
    ENOTDIR: `"${folder}" is not a folder: choose another path`,
    EISDIR: 'it is a folder: name a file in it',
    ENOSPC: `there is no room left in "${folder}": make room, or choose another folder`,
  }
  const other = `${systemMessage(error)}: choose a folder that this user may write to`
  return `Cannot create the pidfile "${path}": ${known[code] ?? other}`
}
