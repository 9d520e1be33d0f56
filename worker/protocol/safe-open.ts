/**
 * Opens files safely where others may write to folders on the path.
 *
 * Anyone who may write to such a folder could lead root to any file by a symbolic link. So root follows a link only
 * when root, or the user of this process, owns it: the kernel's rule for /tmp (`fs.protected_symlinks`), in every
 * folder. Other users follow links as usual.
 */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  open,
  openSync,
  readlinkSync,
  statSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'

const { O_DIRECTORY, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK } = constants

/**
 * Opens a descriptor that names a file without reading it. Missing in Node; the same on every Linux machine that Node
 * supports.
 */
export const O_PATH = 0o10000000

/** A name in an open folder, which stays the same folder even if the path changes. */
export interface Place {
  /** For system calls, which must not follow a link of this name. */
  readonly path: string
  /** Others than root and this process may put files into the folder. */
  readonly isShared: boolean
  close(): void
}

/**
 * Finds the folder of a path and, with `follow`, the file that trusted links lead to.
 *
 * @throws the system error, with the path as given; `EUNTRUSTED` for a link of another owner
 */
function findPlace(path: string, { follow }: { readonly follow: boolean }): Place {
  const absolute = resolve(path)
  return withGivenPath(absolute, () => (isGuarded() ? walk(absolute, follow) : plainPlace(absolute)))
}

/** Calls `operation` with a safe name of the file, for operations that do not follow links. */
export function inPlace<T>(path: string, operation: (path: string) => T): T {
  const place = findPlace(path, { follow: false })
  try {
    return withGivenPath(path, () => operation(place.path))
  } finally {
    place.close()
  }
}

/**
 * Opens a file, and never waits for the other end of a pipe: `ENXIO` when there is no reader. The caller closes it.
 *
 * @throws the system error; `EUNTRUSTED` as above, and for a file with a second name in a folder that others may write
 * to
 */
export async function openSafely(path: string, flags: number): Promise<number> {
  const place = findPlace(path, { follow: true })
  try {
    // O_NOFOLLOW, so that the last component is no link either. Links in /proc lead to open files, not to paths.
    const guard = isGuarded() && !isMagic(dirname(place.path)) ? O_NOFOLLOW : 0
    const fd = await openFile(place.path, flags | guard | O_NONBLOCK | O_NOCTTY, 0o666)
    if (!isGuarded() || !place.isShared || fstatSync(fd, { bigint: true }).nlink <= 1n) return fd
    closeSync(fd)
    throw untrusted('it has a second name, in a folder that others may write to')
  } catch (error) {
    throw withPath(path, error as NodeJS.ErrnoException)
  } finally {
    place.close()
  }
}

/** The path of an open folder, for the names in it. */
export function folderPath(fd: number, path: string): string {
  return process.platform === 'linux' ? at(fd) : path
}

/** Whether to guard: for root, where a folder can be held open. */
function isGuarded(): boolean {
  return process.platform === 'linux' && process.geteuid?.() === 0
}

function plainPlace(path: string): Place {
  return { path, isShared: false, close: () => undefined }
}

/** As many links as the kernel follows. */
const maxLinks = 40

function walk(path: string, follow: boolean): Place {
  if (!existsSync(openFiles)) throw new Error(`root opens files safely by way of ${openFiles}: mount /proc`)
  const names = partsOf(path)
  let links = 0
  let folder = openFolder('/')
  try {
    for (;;) {
      const name = names.shift()
      if (name === undefined) return placeIn(folder, '.')
      const here = inside(folder, name)
      const isLast = names.length === 0
      // A magic link in /proc leads to an open file; its text leads nowhere.
      if (isMagic(at(folder))) {
        if (isLast) return placeIn(folder, name)
        folder = enter(folder, name, 0)
        continue
      }
      const found = lstatSync(here, { bigint: true, throwIfNoEntry: false })
      if (found?.isSymbolicLink() && (follow || !isLast)) {
        links += 1
        if (links > maxLinks) throw Object.assign(new Error(path), { code: 'ELOOP', errno: -40 })
        if (!isOurs(found.uid)) throw untrusted(`user ${found.uid} made the symbolic link "${name}" in it`)
        const target = readlinkSync(here)
        names.unshift(...partsOf(target))
        if (target.startsWith('/')) folder = change(folder, openFolder('/'))
      } else if (isLast) return placeIn(folder, name)
      else folder = enter(folder, name, O_NOFOLLOW)
    }
  } catch (error) {
    closeSync(folder)
    throw error
  }
}

function partsOf(path: string): string[] {
  return path.split('/').filter(name => name !== '' && name !== '.')
}

/** Where Linux shows the descriptors of a process, see proc(5); some containers have no `/proc`. */
const openFiles = '/proc/self/fd'

function at(folder: number): string {
  return `${openFiles}/${folder}`
}

/** Not `path.join`, which would resolve `..` as text. */
function inside(folder: number, name: string): string {
  return `${at(folder)}/${name}`
}

function openFolder(path: string, flags = O_NOFOLLOW): number {
  return openSync(path, O_PATH | O_DIRECTORY | flags)
}

function enter(folder: number, name: string, flags: number): number {
  return change(folder, openFolder(inside(folder, name), flags))
}

function change(before: number, after: number): number {
  closeSync(before)
  return after
}

function placeIn(folder: number, name: string): Place {
  const { uid, mode } = fstatSync(folder, { bigint: true })
  const isShared = !isOurs(uid) || (mode & 0o022n) !== 0n
  return { path: inside(folder, name), isShared, close: () => closeSync(folder) }
}

function isMagic(folder: string): boolean {
  return statSync(folder, { bigint: true }).dev === statSync('/proc', { bigint: true }).dev
}

function isOurs(uid: bigint): boolean {
  return uid === 0n || uid === BigInt(process.geteuid?.() ?? -1)
}

function openFile(path: string, flags: number, mode: number): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, flags, mode, (error, fd) => (error ? reject(error) : resolve(fd)))
  })
}

function untrusted(why: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`root does not trust the path: ${why}`), { code: 'EUNTRUSTED' })
}

function withGivenPath<T>(path: string, operation: () => T): T {
  try {
    return operation()
  } catch (error) {
    throw withPath(path, error as NodeJS.ErrnoException)
  }
}

/** Puts the path as given into an error that names the descriptor of the folder. */
function withPath(path: string, error: NodeJS.ErrnoException): NodeJS.ErrnoException {
  const { code, errno, path: named } = error
  if (errno === undefined || !named?.startsWith(`${openFiles}/`)) return error
  const message = error.message.replace(named, path)
  return Object.assign(new Error(message, { cause: error }), { code, errno, path })
}
