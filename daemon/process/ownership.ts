/**
 * Gives files to the user that workers run as: the access log, which they write, and the files of unix sockets.
 *
 * A privileged arbiter does this in folders where that user may write. So it follows no symbolic link, and gives away
 * no file that is not its own or has a second name: either could be a trap that hands over a system file.
 */
import { closeSync, constants, fchownSync, fstatSync, openSync } from 'node:fs'
import type { WorkerUser } from '../../config/resolve/account.ts'
import type { Resolved } from '../../config/resolve/resolve.ts'
import { inPlace } from '../../worker/protocol/safe-open.ts'
import { systemMessage } from '../../worker/protocol/system-error.ts'
import { giveSocketFile } from '../sockets/socket-file.ts'
import type { Listener } from '../sockets/sockets.ts'

/** Creates the access log if it is missing, and gives it to the workers; call it before they open it. */
export function giveAccessLog({ parsed: { accesslog: path }, owner }: Resolved): void {
  if (owner === undefined || path === null || path === '-') return
  const fd = openWithoutTrap(path)
  if (fd === undefined) return
  try {
    const found = fstatSync(fd)
    const isGivable = found.isFile() && found.nlink === 1 && found.uid === process.geteuid?.()
    const { uid = found.uid, gid = found.gid } = owner
    if (isGivable && (uid !== found.uid || gid !== found.gid)) fchownSync(fd, uid, gid)
  } catch (error) {
    complain(path, owner, error as NodeJS.ErrnoException)
  } finally {
    closeSync(fd)
  }
}

/** Gives the file of a unix socket to the workers' user. */
export function giveSocket({ path, file, given }: Listener, owner: WorkerUser): void {
  if (path === undefined || given) return
  try {
    giveSocketFile(path, file, owner)
  } catch (error) {
    // It is gone, and the log has said so.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      complain(path, owner, error as NodeJS.ErrnoException)
  }
}

/** Undefined if it cannot be opened: the next attempt to open it reports the reason. */
function openWithoutTrap(path: string): number | undefined {
  const { O_WRONLY, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants
  const flags = O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK
  for (const more of [0, O_CREAT | O_EXCL]) {
    try {
      return inPlace(path, place => openSync(place, flags | more))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return undefined
    }
  }
  return undefined
}

function complain(path: string, { words }: WorkerUser, error: NodeJS.ErrnoException): void {
  // Without privileges: the workers cannot become that user either, and report it.
  if (error.code === 'EPERM' && process.geteuid?.() !== 0) return
  const why = systemMessage(error)
  throw new Error(`Cannot give "${path}" to ${words}: ${why}: let the arbiter change owners (CAP_CHOWN)`)
}
