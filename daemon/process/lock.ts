/**
 * A lock that one process of this machine can hold, and that nobody holds any more when its process is gone.
 *
 * The lock is a folder, as proper-lockfile makes it, with one empty file whose name says who holds it. It appears under
 * its name together with that file, and to break it one has to remove exactly the file that one has judged; so of
 * several processes that find the lock of a dead one, one gets it.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  lstatSync,
  lutimesSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { folderPath, inPlace } from '../../worker/protocol/safe-open.ts'
import { fromWord, isRunning, ourselves, type ProcessIdentity, toWord } from '../system/process-identity.ts'

export interface Lock {
  /** May be called when the process exits. */
  release(): void
}

/** A process that lives holds the lock. */
export class LockedError extends Error {
  override readonly name = 'LockedError'
  readonly pid: number

  constructor(pid: number) {
    super(`process ${pid} holds it`)
    this.pid = pid
  }
}

/** How often the holder touches the lock, in milliseconds. */
const update = 10_000

/** After how long without that a lock counts as left where nothing else tells. */
const stale = 60_000

/** proper-lockfile would judge by time alone: a machine that slept would lose its locks. */
const never = 365 * 24 * 3_600_000

/** How often a lock may change hands while one tries to get it. */
const attempts = 20

/**
 * Takes the lock at once or not at all; `lost` hears when somebody has broken it and it cannot be had again.
 *
 * @throws LockedError, or the error of the system
 */
export function takeLock(path: string, lost: (error: Error) => void): Lock {
  let release = acquire()

  function acquire(): () => void {
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const taken = tryOnce(path, regain)
      if (taken !== undefined) return taken
      const holder = holderOf(path)
      if (holder !== undefined && isHeld(path, holder)) throw new LockedError(holder.pid)
      if (holder !== undefined) breakLock(path, holder)
    }
    throw new Error(`"${path}" is in the way: remove it`)
  }

  function regain(): void {
    try {
      release = acquire()
    } catch (error) {
      lost(error as Error)
    }
  }

  return { release: () => release() }
}

/** Undefined where somebody has the lock, living or dead. */
function tryOnce(path: string, broken: () => void): (() => void) | undefined {
  try {
    const release = properLockfile().lockSync(path, {
      lockfilePath: path,
      realpath: false,
      stale: never,
      update,
      fs: fileSystem,
      onCompromised: broken,
    })
    return () => letGo(release)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ELOCKED') return undefined
    throw error
  }
}

function letGo(release: () => void): void {
  try {
    release()
  } catch (error) {
    // It was lost before, or released.
    if (!['ERELEASED', 'ENOTACQUIRED'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

/** Loaded when the first lock is wanted. */
function properLockfile(): typeof import('proper-lockfile') {
  // It brings signal-exit, which listens to every deadly signal and then ends the process as the system would have. This
  // one Node ignores, as a full quota is no reason to die: a second listener makes signal-exit leave it alone.
  if (process.listenerCount('SIGXFSZ') === 0) process.on('SIGXFSZ', () => undefined)
  return createRequire(import.meta.url)('proper-lockfile') as typeof import('proper-lockfile')
}

/**
 * What proper-lockfile does with the folder: making it comes with saying who holds it, removing it with looking. No link is
 * followed, as the folder of the lock may belong to somebody else.
 */
const fileSystem = {
  statSync: (path: string) => inPlace(path, place => lstatSync(place)),
  utimesSync: (path: string, atime: Date, mtime: Date) =>
    inPlace(path, place => lutimesSync(place, atime, mtime)),

  mkdirSync(path: string): void {
    inPlace(path, makeLock)
  },

  rmdirSync: (path: string): void => breakLock(path, ourselves()),
}

function makeLock(path: string): void {
  const draft = mkdtempSync(`${path}.`)
  const fd = openSync(draft, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  const record = join(folderPath(fd, draft), toWord(ourselves()))
  try {
    writeFileSync(record, '', { flag: 'wx' })
    // Everybody may see who holds it.
    fchmodSync(fd, 0o755)
    renameSync(draft, path)
  } catch (error) {
    rmSync(record, { force: true })
    rmdirSync(draft)
    if (!['ENOTEMPTY', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    throw Object.assign(new Error(path), { code: 'EEXIST' })
  } finally {
    closeSync(fd)
  }
}

function holderOf(path: string): ProcessIdentity | undefined {
  try {
    return readdirSync(path)
      .map(fromWord)
      .find(identity => identity !== undefined)
  } catch (error) {
    // It has gone meanwhile, or is no folder.
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

function isHeld(path: string, holder: ProcessIdentity): boolean {
  if (toWord(holder) === toWord(ourselves())) return false
  const living = isRunning(holder)
  if (living !== 'perhaps') return living
  const touched = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
  return Date.now() - touched < stale
}

/** Removes the lock of this holder; where somebody else has it by now, nothing happens. */
function breakLock(path: string, holder: ProcessIdentity): void {
  for (const remove of [() => unlinkSync(join(path, toWord(holder))), () => rmdirSync(path)]) {
    try {
      remove()
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? ''))
        throw error
    }
  }
}
