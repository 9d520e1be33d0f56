/**
 * Keeps compiled code from one process to the next, in a folder of this user alone: whoever can write there can run code
 * as this user. The command loads it before everything else.
 *
 * It is Node's module compile cache, so `NODE_COMPILE_CACHE` names another folder, and `NODE_DISABLE_COMPILE_CACHE=1`
 * turns it off.
 */
import fs, { realpathSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { isAbsolute, join } from 'node:path'
import { isPrivate } from './system/private-folder.ts'

/** The variables that name a folder for caches: of systemd, of the XDG Base Directory Specification, and of the shell. */
export type CacheVariables = Readonly<Partial<Record<'CACHE_DIRECTORY' | 'XDG_CACHE_HOME' | 'HOME', string>>>

/** How long what was compiled is kept, in milliseconds: Node itself would keep that of old releases for ever. */
const maximalAge = 14 * 24 * 3_600_000

/** When old code is looked for, in milliseconds after the start. */
const tidiedAfter = 60_000

/** Enables it where there is such a folder; nothing fails without. */
export function keepCompiledCode(): void {
  const { env, geteuid } = process
  // Node advises against both together: what comes from the cache is not counted precisely.
  if (env.NODE_V8_COVERAGE || env.NODE_COMPILE_CACHE || env.NODE_DISABLE_COMPILE_CACHE) return
  const user = geteuid?.()
  const given = cacheFolder(env, user)
  if (given === undefined || !isPrivate(given, user)) return
  // The one that was examined, whatever becomes of links on the way to it.
  const folder = realpathSync(given)
  enableCompileCache(folder)
  setTimeout(() => void removeOld(folder, Date.now() - maximalAge), tidiedAfter).unref()
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

/** Removes the files in the folders of the cache, one for each version of Node, that were written before this time. */
export async function removeOld(folder: string, before: number): Promise<void> {
  for (const version of await fs.promises.readdir(folder).catch(() => [])) {
    for (const name of await fs.promises.readdir(join(folder, version)).catch(() => [])) {
      const file = join(folder, version, name)
      const written = await fs.promises.lstat(file).catch(() => undefined)
      // Another process may remove it, too.
      if (written !== undefined && written.mtimeMs < before)
        await fs.promises.unlink(file).catch(() => undefined)
    }
  }
}
