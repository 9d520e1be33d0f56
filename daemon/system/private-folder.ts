/** Folders of one user alone: what others could put there would be trusted. */
import { lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes the folder if it is missing. False if it cannot be made, if others can read or write there, or if others could
 * put another folder in its place.
 */
export function isPrivate(folder: string, user: number | undefined): boolean {
  // One by one: in a file system that takes no folders, such as /proc, Node would try for ever to make all of them.
  for (const path of user === 0 ? [folder] : [dirname(folder), folder]) {
    try {
      mkdirSync(path, { mode: 0o700 })
    } catch {
      // It is there, or cannot be: both is seen below.
    }
  }
  try {
    const found = lstatSync(folder)
    if (!found.isDirectory() || found.uid !== user || (found.mode & 0o077) !== 0) return false
    return foldersAbove(realpathSync(folder)).every(path => belongsTo(path, user))
  } catch {
    return false
  }
}

function foldersAbove(path: string): readonly string[] {
  const parent = dirname(path)
  return parent === path ? [] : [parent, ...foldersAbove(parent)]
}

/** Whether root and this user alone can replace what others own in it, as OpenSSH's StrictModes asks of folders. */
function belongsTo(path: string, user: number | undefined): boolean {
  const { uid, mode } = statSync(path)
  const isShared = (mode & 0o022) !== 0 && (mode & 0o1000) === 0
  return (uid === 0 || uid === user) && !isShared
}
