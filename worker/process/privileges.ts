/** Drops privileges: a worker of a privileged arbiter becomes the user it is to run as. */
import { isMainThread } from 'node:worker_threads'
import type { WorkerUser } from '../protocol/messages.ts'
import { systemMessage } from '../protocol/system-error.ts'
import { passBarrier } from './arbiter-channel.ts'

/** Missing in Node's types. */
const system = process as unknown as { initgroups?(user: string, group: number): void }

/** The change of user is not permitted, or impossible. */
export class PrivilegeError extends Error {
  override readonly name = 'PrivilegeError'
}

/** A process becomes that user; a thread waits until its process has done so. Rejects with `PrivilegeError`. */
export async function becomeUser(identity: WorkerUser): Promise<void> {
  if (isMainThread) dropPrivileges(identity)
  else await passBarrier('user')
}

/**
 * Becomes that user and group, irrevocably. The groups come first, because only a privileged process may change them.
 *
 * No group of the arbiter is kept: with `initgroups` the worker gets all groups of its user, else only its own group.
 *
 * @throws PrivilegeError
 */
export function dropPrivileges({ uid, gid, user, initgroups, words }: WorkerUser): void {
  const before = { uid: process.getuid?.(), gid: process.getgid?.() }
  const wanted = { uid: uid ?? before.uid ?? 0, gid: gid ?? before.gid ?? 0 }
  if (wanted.uid === before.uid && wanted.gid === before.gid) return
  try {
    if (initgroups && user !== undefined) system.initgroups?.(user, wanted.gid)
    else process.setgroups?.([wanted.gid])
    process.setgid?.(wanted.gid)
    process.setuid?.(wanted.uid)
  } catch (error) {
    const why = systemMessage(error as Error)
    const cure = 'start tsicorn as root, or leave out user and group'
    throw new PrivilegeError(`Cannot run workers as ${words}: ${why}: ${cure}`, { cause: error })
  }
}
