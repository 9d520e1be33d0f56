/** Watches the files of the certificate in force, so that a renewed one is served without a reload. */
import { unwatchFile, watchFile } from 'node:fs'
import type { TlsMaterial } from '../../worker/protocol/messages.ts'
import type { ErrorLog } from '../logs/error-log.ts'
import type { Generation } from './generation.ts'
import { readTls, tlsFiles } from './tls-files.ts'

/** A generation's certificate was renewed, and is usable. */
export interface RenewalEvent {
  readonly type: 'renewed'
  readonly generation: number
  readonly tls: TlsMaterial
}

/**
 * How often the files are checked, in milliseconds. Polling finds what kernel events miss: links switched further up
 * the path, as certbot and Kubernetes do it, and network file systems.
 */
const intervalMs = 2_000

/** How long after the last change the files are read, in milliseconds: several may change one after the other. */
const quietMs = 1_000

export class Renewals {
  readonly #put: (event: RenewalEvent) => void
  readonly #log: ErrorLog
  #generation: Generation | undefined
  #files: readonly string[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(put: (event: RenewalEvent) => void, log: ErrorLog) {
    this.#put = put
    this.#log = log
  }

  /** Watches the files of this generation from now on. */
  follow(generation: Generation): void {
    this.close()
    this.#generation = generation
    this.#files = generation.tls === undefined ? [] : tlsFiles(generation.resolved)
    for (const file of this.#files) watchFile(file, { interval: intervalMs, persistent: false }, this.#look)
    // They may have changed since this generation read them.
    if (this.#files.length > 0) this.#look()
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const file of this.#files) unwatchFile(file, this.#look)
    this.#files = []
    this.#generation = undefined
  }

  readonly #look = (): void => {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#read(), quietMs).unref()
  }

  async #read(): Promise<void> {
    const generation = this.#generation
    if (generation?.tls === undefined) return
    try {
      const tls = await readTls(generation.resolved)
      if (tls === undefined || generation !== this.#generation || isSame(tls, generation.tls)) return
      const { settings, hooks } = generation.resolved
      // What the hook makes of it, each worker finds out for itself.
      const outcome = hooks.ssl_context === undefined ? 'renewed' : 'changed, each worker calls ssl_context'
      this.#log.info(`Certificate ${outcome}: ${settings.certfile}`)
      this.#put({ type: 'renewed', generation: generation.number, tls })
    } catch (error) {
      this.#log.error(`The certificate cannot be renewed, the old one stays: ${(error as Error).message}`)
    }
  }
}

function isSame(a: TlsMaterial, b: TlsMaterial): boolean {
  return a.cert === b.cert && a.key === b.key && a.ca === b.ca
}
