/** Watches the files of a server for `reload`. */
import type { Settings } from '../../config/table.ts'
import { areasOf, isWanted, linkedPaths, type WatchedFiles } from './watched-files.ts'

export interface WatchOptions extends WatchedFiles {
  readonly engine: Settings['reload_engine']
  /** Called once after each burst of changes, with its first file. */
  readonly onChange: (path: string) => void
  readonly onError: (message: string) => void
}

export interface Watch {
  close(): Promise<void>
}

/** How long nothing may change before a burst counts as over, in milliseconds. */
const quietMs = 100

/** How often `poll` checks files, and how often links are resolved, in milliseconds; as in Gunicorn. */
const pollMs = 1_000

/**
 * Resolves when all files are watched. From then on no change is missed, except by `poll`: it first looks at a file a
 * moment later, and takes that for its original state.
 */
export async function watchSources(options: WatchOptions): Promise<Watch> {
  const { engine, onError } = options
  const areas = areasOf(options)
  const burst = new Burst(options.onChange)
  const { watch } = await import('chokidar')
  const watcher = watch([...new Set(areas.map(({ base }) => base))], {
    // chokidar asks first without `stats`, and about a link before following it: what is kept then is asked about
    // again.
    ignored: (path, stats) => stats?.isSymbolicLink() === false && !isWanted(areas, path, stats),
    ignoreInitial: true,
    ignorePermissionErrors: true,
    usePolling: engine === 'poll',
    interval: pollMs,
    binaryInterval: pollMs,
  })
  for (const event of ['add', 'change', 'unlink'] as const) watcher.on(event, path => burst.add(path))
  const links = new Map(linkedPaths(options))
  const timer = setInterval(() => {
    for (const [path, real] of linkedPaths(options)) {
      if (links.get(path) !== real) burst.add(path)
      links.set(path, real)
    }
  }, pollMs).unref()
  if (links.size === 0) clearInterval(timer)
  let explained = false
  watcher.on('error', error => {
    // A limit that one file exceeds is exceeded by all that follow.
    if (!explained) onError(explain(error))
    explained = true
  })
  await new Promise<void>(ready => watcher.once('ready', ready))
  return {
    close: async () => {
      burst.cancel()
      clearInterval(timer)
      await watcher.close()
    },
  }
}

/** Combines changes that follow each other closely, as an editor, a build or a checkout makes them, into one. */
class Burst {
  readonly #over: (first: string) => void
  #first: string | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(over: (first: string) => void) {
    this.#over = over
  }

  add(path: string): void {
    this.#first ??= path
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      const first = this.#first as string
      this.#first = undefined
      this.#over(first)
    }, quietMs)
  }

  cancel(): void {
    clearTimeout(this.#timer)
  }
}

function explain(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  const why = limits[code ?? ''] ?? message
  return `Cannot watch all files for reload: ${why}`
}

const limits: Readonly<Record<string, string>> = {
  ENOSPC:
    'the system watches as many files as it may: raise fs.inotify.max_user_watches, or set reload_engine to poll',
  EMFILE: 'too many files are open: raise the limit (ulimit -n), or set reload_engine to poll',
}
