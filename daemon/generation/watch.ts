/** `reload`: watching the files that a server is made of. */
import type { Settings } from '../../config/table.ts'
import { areasOf, isWanted, linkedPaths, type WatchedFiles } from './watched-files.ts'

export interface WatchOptions extends WatchedFiles {
  readonly engine: Settings['reload_engine']
  /** Called once when a burst of changes is over, with the first file of it. */
  readonly onChange: (path: string) => void
  readonly onError: (message: string) => void
}

export interface Watch {
  close(): Promise<void>
}

/** How long nothing may change until a burst of changes is over, in milliseconds. */
const quietMs = 100

/** How often `poll` looks, and where links lead is looked up, in milliseconds; Gunicorn's too. */
const pollMs = 1_000

/**
 * Resolves when all files are watched. A change from then on is not missed, unless by `poll`: to its first look at a file,
 * a moment later, that is how the file always was.
 */
export async function watchSources(options: WatchOptions): Promise<Watch> {
  const { engine, onError } = options
  const areas = areasOf(options)
  const burst = new Burst(options.onChange)
  const { watch } = await import('chokidar')
  const watcher = watch([...new Set(areas.map(({ base }) => base))], {
    // First it is asked without `stats`, and of a link before it is followed: what is kept then is asked for again.
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
    // A limit that one file meets is met by all that follow.
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

/** Changes that follow each other closely, as an editor, a build or a checkout makes them, are one. */
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
