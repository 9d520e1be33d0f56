/**
 * Keeps compiled code from one process to the next, in a folder of this user alone: whoever can write there can run code
 * as this user. The command loads it before everything else.
 *
 * It is Node's module compile cache, so `NODE_COMPILE_CACHE` names another folder, and `NODE_DISABLE_COMPILE_CACHE=1`
 * turns it off.
 */
import { lstatSync, mkdirSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { dirname, isAbsolute, join } from 'node:path'

/** The variables that name a folder for caches: of systemd, of the XDG Base Directory Specification, and of the shell. */
export type CacheVariables = Readonly<
  Partial<Record<'CACHE_DIRECTORY' | 'XDG_CACHE_HOME' | 'HOME' | 'NODE_V8_COVERAGE', string>>
>

/** Enables it where there is such a folder; nothing fails without. */
export function keepCompiledCode(): void {
  const { env, geteuid } = process
  // Node advises against both together: what comes from the cache is not counted precisely.
  if (env.NODE_V8_COVERAGE) return
  const folder = cacheFolder(env, geteuid?.())
  if (folder !== undefined && isPrivate(folder, geteuid?.())) enableCompileCache(folder)
}

/** Where the cache belongs. Root's is not in a home folder, whose owner could replace it. */
export function cacheFolder(
  { CACHE_DIRECTORY, XDG_CACHE_HOME, HOME }: CacheVariables,
  user: number | undefined,
): string | undefined {
  const [given] = CACHE_DIRECTORY?.split(':') ?? []
  const home = HOME && join(HOME, '.cache')
  const own = user === 0 ? '/var/cache' : XDG_CACHE_HOME || home
  const folder = given ? join(given, 'compiled') : own && join(own, 'tsicorn')
  return folder && isAbsolute(folder) ? folder : undefined
}

/** Makes the folder if it is missing; false if others can write to it, or it cannot be made. */
export function isPrivate(folder: string, user: number | undefined): boolean {
  // One by one: in a file system that takes no folders, such as /proc, Node would try for ever to make all of them.
  for (const path of [dirname(folder), folder]) {
    try {
      mkdirSync(path, { mode: 0o700 })
    } catch {
      // It is there, or cannot be: both is seen below.
    }
  }
  try {
    const found = lstatSync(folder)
    return found.isDirectory() && found.uid === user && (found.mode & 0o077) === 0
  } catch {
    return false
  }
}
