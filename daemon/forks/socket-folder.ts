/** Where a fork server listens: only the user that workers run as reaches its socket. */
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  mkdirSync,
  mkdtempSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { WorkerUser } from '../../worker/protocol/messages.ts'

export interface SocketFolder {
  readonly socket: string
  /** Removes what a fork server has left. */
  clear(): void
  /** Never throws: what cannot be removed, such as where permissions have changed, stays. */
  remove(): void
}

/** The longest path of a unix socket everywhere, in bytes. */
const longestPath = 100

/**
 * Another user gets a folder of its own inside of ours, in which alone it can make a socket: whatever it puts there, it
 * cannot have us remove anything elsewhere, because it cannot replace the folder.
 */
export function makeSocketFolder(wanted: string | null, owner: WorkerUser | undefined): SocketFolder {
  const { outer, inner } = makeFolders(wanted, owner)
  const socket = join(inner, 's')
  const clear = () => ignoreMissing(() => unlinkSync(socket))
  return {
    socket,
    clear,
    remove() {
      for (const step of [clear, () => rmdirSync(inner), () => rmdirSync(outer)]) attempt(step)
    },
  }
}

interface Folders {
  readonly outer: string
  readonly inner: string
}

/** In the first of the usual places that has room for them. */
function makeFolders(wanted: string | null, owner: WorkerUser | undefined): Folders {
  const candidates = [wanted, '/dev/shm'].filter(folder => folder !== null)
  const usual = candidates.filter(folder => folder.length < longestPath / 2 && isWritable(folder))
  for (const base of usual) {
    try {
      return makeFoldersIn(base, owner)
    } catch {
      // The last one says why it cannot be.
    }
  }
  return makeFoldersIn(tmpdir(), owner)
}

function makeFoldersIn(base: string, owner: WorkerUser | undefined): Folders {
  const outer = mkdtempSync(join(base, 'tsicorn-forks-'))
  const inner = join(outer, 'f')
  try {
    mkdirSync(inner, { mode: 0o700 })
    if (owner === undefined) return { outer, inner }
    chmodSync(outer, 0o711)
    chownSync(inner, owner.uid ?? process.getuid?.() ?? 0, owner.gid ?? process.getgid?.() ?? 0)
    return { outer, inner }
  } catch (error) {
    for (const folder of [inner, outer]) attempt(() => rmdirSync(folder))
    throw error
  }
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The fork server may have removed it, or its user may have put something there: then it stays. */
function ignoreMissing(remove: () => void): void {
  try {
    remove()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTEMPTY' && code !== 'EISDIR' && code !== 'EPERM') throw error
  }
}

function attempt(step: () => void): void {
  try {
    step()
  } catch {
    // It stays.
  }
}
