/**
 * The file of a unix socket. Others may put another file in its place, so it is identified by its inode, and only that
 * inode is given away or removed.
 */
import {
  chownSync,
  closeSync,
  constants,
  fstatSync,
  lchownSync,
  lstatSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
} from 'node:fs'
import net from 'node:net'
import { dirname } from 'node:path'
import type { WorkerUser } from '../../config/resolve/account.ts'
import { inPlace, O_PATH } from '../../worker/protocol/safe-open.ts'
import { randomName } from '../system/random-name.ts'

/** `DEVICE:INODE` */
export type FileIdentity = string

/** Undefined if there is no socket of that name. */
export function identify(path: string): FileIdentity | undefined {
  // `bigint` for the reason given in `worker/sinks/log-stream.ts`.
  const found = inPlace(path, place => lstatSync(place, { bigint: true, throwIfNoEntry: false }))
  return found?.isSocket() && found.nlink === 1n ? `${found.dev}:${found.ino}` : undefined
}

/** Whether the socket's name still belongs to its file. */
export function stateOf(path: string, file: FileIdentity | undefined): 'ours' | 'lost' | 'replaced' {
  const found = inPlace(path, place => lstatSync(place, { bigint: true, throwIfNoEntry: false }))
  if (found === undefined) return 'lost'
  return `${found.dev}:${found.ino}` === file ? 'ours' : 'replaced'
}

/** Gives the file to this user, but no other file that has taken its name. Throws the system's error. */
export function giveSocketFile(
  path: string,
  file: FileIdentity | undefined,
  { uid = -1, gid = -1 }: WorkerUser,
): void {
  inPlace(path, place => {
    if (process.platform !== 'linux') {
      if (identify(place) === file) lchownSync(place, uid, gid)
      return
    }
    const fd = openSync(place, O_PATH | constants.O_NOFOLLOW)
    try {
      const { dev, ino } = fstatSync(fd, { bigint: true })
      if (`${dev}:${ino}` === file) chownSync(`/proc/self/fd/${fd}`, uid, gid)
    } finally {
      closeSync(fd)
    }
  })
}

/** Removes the file, but no other file that has taken its name. */
export function removeSocketFile(path: string, file: FileIdentity | undefined): void {
  attempt(() => inPlace(path, place => void (stateOf(place, file) === 'ours' && unlinkSync(place))))
}

/** Closes a socket that on closing removes whatever file has its name: another file there is kept. */
export function closeKeeping(path: string, file: FileIdentity | undefined, close: () => void): void {
  let isClosed = false
  const once = () => {
    if (!isClosed) close()
    isClosed = true
  }
  attempt(() =>
    inPlace(path, place => {
      if (stateOf(place, file) !== 'replaced') return once()
      const aside = `${place}.${randomName()}`
      renameSync(place, aside)
      once()
      renameSync(aside, place)
    }),
  )
  once()
}

/** Removes a socket file that no process listens on. */
export async function clearStaleSocket(path: string): Promise<void> {
  if (Buffer.byteLength(path) > 107) throw Object.assign(new Error(path), { code: 'ENAMETOOLONG' })
  statSync(dirname(path))
  const found = inPlace(path, place => lstatSync(place, { bigint: true, throwIfNoEntry: false }))
  if (found === undefined) return
  if (!found.isSocket()) throw Object.assign(new Error(path), { code: 'ENOTSOCK' })
  if (await answers(path)) throw Object.assign(new Error(path), { code: 'EADDRINUSE' })
  removeSocketFile(path, `${found.dev}:${found.ino}`)
}

async function answers(path: string): Promise<boolean> {
  const socket = net.connect(path)
  return await new Promise(resolve => {
    socket.once('connect', () => resolve(true))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'))
  }).then(answered => {
    socket.destroy()
    return answered as boolean
  })
}

/** Ignores system errors: the folder may be gone, or closed to this process, and then there is nothing to tidy up. */
export function attempt(action: () => unknown): void {
  try {
    action()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error
  }
}
