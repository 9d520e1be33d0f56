/** Watches the files of the configuration in force for `reload`, from one generation to the next. */
import { relative } from 'node:path'
import type { Resolved } from '../../config/resolve/resolve.ts'
import type { ErrorLog } from '../logs/error-log.ts'
import { type Watch, type WatchOptions, watchSources } from './watch.ts'
import { linkedPaths } from './watched-files.ts'

/** A file of the server has changed. */
export interface WatchEvent {
  readonly type: 'changed'
}

export class Watcher {
  readonly #put: (event: WatchEvent) => void
  readonly #log: ErrorLog
  #watched = ''
  #watch: Promise<Watch | undefined> = Promise.resolve(undefined)

  constructor(put: (event: WatchEvent) => void, log: ErrorLog) {
    this.#put = put
    this.#log = log
  }

  /** Watches the files of this configuration from now on; none without `reload`. */
  follow({ settings, files }: Resolved): void {
    const { reload, reload_engine: engine, reload_extra_files: extra, chdir: folder } = settings
    // When a link is switched, its new target is watched from then on.
    const led = reload ? [...linkedPaths({ folder, extra, files })] : []
    const isPython = settings.worker_class === 'wsgi'
    const sources = isPython ? settings.pythonpath : []
    const watched = reload ? JSON.stringify([folder, engine, sources, isPython, extra, files, led]) : ''
    if (watched === this.#watched) return
    this.#watched = watched
    // The new watch starts before the old one ends, so that no change is missed in between.
    this.#replace(() =>
      reload ? this.#open({ folder, engine, sources, isPython, extra, files }) : undefined,
    )
  }

  close(): void {
    this.#replace(() => undefined)
  }

  #replace(open: () => Promise<Watch> | undefined): void {
    this.#watch = this.#watch.then(async before => {
      try {
        const after = await open()
        await before?.close()
        return after
      } catch (error) {
        // The server continues without a watch. The next reload tries again.
        this.#watched = ''
        this.#log.error(`Cannot watch for reload: ${(error as Error).message}: HUP reloads all the same`)
        return before
      }
    })
  }

  async #open(watched: Omit<WatchOptions, 'onChange' | 'onError'>): Promise<Watch> {
    const watch = await watchSources({
      ...watched,
      onChange: path => {
        this.#log.info(`Changed: ${relative(watched.folder, path)}`)
        this.#put({ type: 'changed' })
      },
      onError: message => this.#log.error(message),
    })
    this.#log.info(`Watching: ${watched.folder}`)
    return watch
  }
}
