/**
 * What belongs to the user that workers run as: the access log, which they write, and the files of unix sockets.
 *
 * A privileged arbiter does this in folders where that user may write. So it follows no symbolic link, and gives away
 * no file that is not its own or has a second name: any of them could be a trap that hands over a file of the system.
 */
import { constants, lchownSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { getSystemErrorMessage } from 'node:util'
import type { Owner } from '../config/account.ts'
import type { Resolved } from '../config/resolve.ts'

/** Creates the access log where it is missing, and gives it to the workers: to be called before they open it. */
export async function giveAccessLog({ settings, owner }: Resolved): Promise<void> {
  const { accesslog, chdir } = settings
  if (owner === undefined || accesslog === null || accesslog === '-') return
  const path = resolve(chdir, accesslog)
  const file = await openWithoutTrap(path)
  if (file === undefined) return
  try {
    const found = await file.stat()
    const isGivable = found.isFile() && found.nlink === 1 && found.uid === process.geteuid?.()
    const { uid = found.uid, gid = found.gid } = owner
    if (isGivable && (uid !== found.uid || gid !== found.gid)) await file.chown(uid, gid)
  } catch (error) {
    complain(path, owner, error as NodeJS.ErrnoException)
  } finally {
    await file.close()
  }
}

/** Gives the file of a unix socket to the user of the workers. */
export function giveSocket(path: string, owner: Owner): void {
  try {
    lchownSync(path, owner.uid ?? -1, owner.gid ?? -1)
  } catch (error) {
    complain(path, owner, error as NodeJS.ErrnoException)
  }
}

/** Undefined where it cannot be opened: whoever opens it next has a message for each reason. */
async function openWithoutTrap(path: string): Promise<FileHandle | undefined> {
  const { O_WRONLY, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants
  const flags = O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK
  try {
    return await open(path, flags)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return undefined
    return await open(path, flags | O_CREAT | O_EXCL).catch(() => undefined)
  }
}

function complain(path: string, { words }: Owner, error: NodeJS.ErrnoException): void {
  // An arbiter without privileges: its workers cannot become that user either, and say so.
  if (error.code === 'EPERM' && process.geteuid?.() !== 0) return
  const why = error.errno === undefined ? error.message : getSystemErrorMessage(error.errno)
  throw new Error(`Cannot give "${path}" to ${words}: ${why}: let the arbiter change owners (CAP_CHOWN)`)
}
