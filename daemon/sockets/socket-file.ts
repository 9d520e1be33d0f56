/**
 * The file of a unix socket: it stands in a folder where others may put something else in its place, so it is known by
 * its inode, and nothing but that inode is given away or removed.
 */
import { randomBytes } from 'node:crypto'
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

/** `DEVICE:INODE` */
export type FileIdentity = string

/** Undefined where there is no socket of that name. */
export function identify(path: string): FileIdentity | undefined {
  // `bigint` for the reason that `worker/sinks/log-stream.ts` gives.
  const found = inPlace(path, place => lstatSync(place, { bigint: true, throwIfNoEntry: false }))
  return found?.isSocket() && found.nlink === 1n ? `${found.dev}:${found.ino}` : undefined
}

/** What has the name of the socket now. */
export function stateOf(path: string, file: FileIdentity | undefined): 'ours' | 'lost' | 'replaced' {
  const found = inPlace(path, place => lstatSync(place, { bigint: true, throwIfNoEntry: false }))
  if (found === undefined) return 'lost'
  return `${found.dev}:${found.ino}` === file ? 'ours' : 'replaced'
}

/** Gives the file to this user, and nothing else that has its name. Throws the error of the system. */
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

/** Removes the file, and nothing else that has its name by now. */
export function removeSocketFile(path: string, file: FileIdentity | undefined): void {
  attempt(() => inPlace(path, place => void (stateOf(place, file) === 'ours' && unlinkSync(place))))
}

/** Closes a socket that removes whatever file has its name when it is closed: what is not its own is kept. */
export function closeKeeping(path: string, file: FileIdentity | undefined, close: () => void): void {
  let isClosed = false
  const once = () => {
    if (!isClosed) close()
    isClosed = true
  }
  attempt(() =>
    inPlace(path, place => {
      if (stateOf(place, file) !== 'replaced') return once()
      const aside = `${place}.${randomBytes(6).toString('hex')}`
      renameSync(place, aside)
      once()
      renameSync(aside, place)
    }),
  )
  once()
}

/** Removes a socket file that nobody listens on. */
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

/** The folder may be gone, or closed to this process: then there is nothing to tidy up in it. */
function attempt(deed: () => void): void {
  try {
    deed()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error
  }
}
