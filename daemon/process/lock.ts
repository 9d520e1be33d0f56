/**
 * A lock that one process of this machine can hold, and that is free once its process is gone.
 *
 * The lock is a folder, made by proper-lockfile, with one empty file whose name identifies the holder. The folder
 * appears under its name together with that file, and breaking the lock takes removing exactly the file that was
 * examined: of several processes that find the lock of a dead one, one gets it.
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
  /** May be called while the process exits. */
  release(): void
}

/** Another living process holds the lock. */
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

/** How long without a touch until a lock counts as abandoned, if nothing else tells, in milliseconds. */
const stale = 60_000

/** proper-lockfile would judge by time alone: a machine that slept would lose its locks. */
const never = 365 * 24 * 3_600_000

/** How often a lock may change hands while this process tries to take it. */
const attempts = 20

/**
 * Takes the lock at once or throws; calls `lost` if another process has broken it and it cannot be taken back.
 *
 * @throws LockedError, or the system's error
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

/** Undefined if the lock is held, by a living process or a dead one. */
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
    // It was lost or released already.
    if (!['ERELEASED', 'ENOTACQUIRED'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

/** Loads proper-lockfile when the first lock is wanted. */
function properLockfile(): typeof import('proper-lockfile') {
  // It loads signal-exit, which listens to every deadly signal and then ends the process as the system would have. Node
  // ignores SIGXFSZ, as a full quota is no reason to die: a second listener makes signal-exit leave it alone.
  if (process.listenerCount('SIGXFSZ') === 0) process.on('SIGXFSZ', () => undefined)
  return createRequire(import.meta.url)('proper-lockfile') as typeof import('proper-lockfile')
}

/**
 * The file system for proper-lockfile: creating the folder also records the holder, and removing it checks the holder.
 * No link is followed, since the folder around the lock may belong to another user.
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
    // All users may see who holds it.
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
    // It is gone by now, or no folder.
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

/** Removes this holder's lock; does nothing if another process has it by now. */
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
