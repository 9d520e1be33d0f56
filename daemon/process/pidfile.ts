/**
 * The file that holds the arbiter's process id. It is claimed before anything else happens and written when the server
 * serves; of two starts with the same file, one wins.
 */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'
import { getSystemErrorMessage } from 'node:util'
import type { Resolved } from '../../config/resolve/resolve.ts'
import { inPlace } from '../../worker/protocol/safe-open.ts'
import { type Lock, LockedError, takeLock } from './lock.ts'

/** Another server has the file, or it cannot be created. */
export class PidfileError extends Error {
  override readonly name = 'PidfileError'
}

/** Where it belongs; a new arbiter has a file of its own, beside that of the arbiter that it is to succeed. */
export function pidfileOf({ settings }: Resolved, isNewArbiter: boolean): string | undefined {
  const { pidfile, chdir } = settings
  return pidfile === null ? undefined : `${resolve(chdir, pidfile)}${isNewArbiter ? '.2' : ''}`
}

interface Claim {
  readonly path: string
  readonly lock: Lock
  /** The file, open, once it is written: so no other one can have its inode, and that tells it from others. */
  fd?: number
}

export class Pidfile {
  readonly #report: (message: string) => void
  #current: Claim | undefined
  /** What takes the place of the current one when it is published; without a claim, no file is wanted any more. */
  #next: { readonly claim: Claim | undefined } | undefined
  #isPublished = false
  readonly #onExit = () => this.close()

  /** `report` hears of trouble that is no reason to stop. */
  constructor(report: (message: string) => void) {
    this.#report = report
    process.once('exit', this.#onExit)
  }

  /**
   * Claims a path, and leaves the file alone; undefined for no file. What was claimed before is given up unless it is
   * published: that stays until `publish`.
   *
   * @throws PidfileError
   */
  claim(path: string | undefined): void {
    this.withdraw()
    if (path === this.#current?.path) return
    this.#next = { claim: path === undefined ? undefined : this.#take(path) }
  }

  /** Writes the file that was claimed last, also where it was removed meanwhile, and removes the one before it. */
  publish(): void {
    this.#isPublished = true
    const before = this.#current
    if (this.#next !== undefined) this.#current = this.#next.claim
    this.#next = undefined
    if (this.#current !== undefined) this.#write(this.#current)
    if (before !== undefined && before !== this.#current) this.#remove(before)
  }

  /** Gives up what was claimed and not published. */
  withdraw(): void {
    this.#next?.claim?.lock.release()
    this.#next = undefined
  }

  /** Goes on at another path: at once, or when the first file would be published. Trouble is reported. */
  move(path: string | undefined): void {
    try {
      this.claim(path)
      if (this.#isPublished) this.publish()
    } catch (error) {
      this.#report((error as Error).message)
    }
  }

  /** Removes the file and gives up every claim; the exit of the process does the same, whatever leads to it. */
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

/** Nobody can guess the name of the draft, and nothing that has it already is written to. */
function replaceFile(place: string): number {
  const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  const draft = `${place}.${randomBytes(6).toString('hex')}.tmp`
  const fd = openSync(draft, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644)
  try {
    writeSync(fd, `${process.pid}\n`)
    renameSync(draft, place)
    return fd
  } catch (error) {
    closeSync(fd)
    rmSync(draft, { force: true })
    throw error
  }
}

function removeFile(place: string, fd: number): void {
  try {
    const [own, found] = [fstatSync(fd, { bigint: true }), lstatSync(place, { bigint: true })]
    // Somebody may have written another process id into it.
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
  const { code = '', errno, message } = error
  const folder = dirname(path)
  const known: Readonly<Record<string, string>> = {
    ENOENT: `the folder "${folder}" does not exist: create it first`,
    ENOTDIR: `"${folder}" is not a folder: choose another path`,
    EISDIR: 'it is a folder: name a file in it',
  }
  const other =
    errno === undefined
      ? message
      : `${getSystemErrorMessage(errno)}: choose a folder that this user may write to`
  return `Cannot create the pidfile "${path}": ${known[code] ?? other}`
}
