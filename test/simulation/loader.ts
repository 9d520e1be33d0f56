/**
 * Gives the arbiter's modules another operating system: what they import of Node, and the few modules of the project that
 * are nothing but system calls, come from `os/`. To be imported before them.
 */
import { registerHooks } from 'node:module'
import { mistakeIn } from './mistakes.ts'

const root = new URL('../../', import.meta.url).href

/** Whose imports are replaced. */
const rooms = ['daemon/', 'hooks/', 'worker/protocol/', 'config/resolve/'].map(room => root + room)

const replaced: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'node:child_process': 'child-process',
    'node:dns/promises': 'dns',
    'node:fs': 'files',
    'node:fs/promises': 'files-promises',
    'node:net': 'net',
    'node:timers/promises': 'timers',
    [`${root}daemon/generation/watch.ts`]: 'watch',
    [`${root}daemon/process/lock.ts`]: 'lock',
    [`${root}daemon/sockets/descriptor.ts`]: 'descriptor',
    [`${root}worker/protocol/safe-open.ts`]: 'safe-open',
  }).map(([module, file]) => [module, new URL(`os/${file}.ts`, import.meta.url).href]),
)

registerHooks({
  resolve(specifier, context, nextResolve) {
    const found = nextResolve(specifier, context)
    if (!rooms.some(room => context.parentURL?.startsWith(room))) return found
    const url = replaced.get(found.url)
    return url === undefined ? found : { ...found, url, format: 'module-typescript' }
  },
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    const mistake = url.startsWith(root) ? mistakeIn(url.slice(root.length)) : undefined
    if (mistake === undefined) return loaded
    return { ...loaded, source: mistake(String(loaded.source)) }
  },
})
