/** Looks after the files of the certificate in force: what is renewed is served with, and nobody has to reload. */
import { unwatchFile, watchFile } from 'node:fs'
import type { TlsMaterial } from '../../worker/protocol/messages.ts'
import type { ErrorLog } from '../logs/error-log.ts'
import { readTls, tlsFiles } from './certificate.ts'
import type { Generation } from './generation.ts'

/** The certificate of a generation was renewed, and can be used. */
export interface RenewalEvent {
  readonly type: 'renewed'
  readonly generation: number
  readonly tls: TlsMaterial
}

/**
 * How often the files are looked at, in milliseconds. Looking finds what events of the kernel do not tell: links that are
 * led elsewhere further up, as certbot and Kubernetes renew, and file systems of other machines.
 */
const intervalMs = 2_000

/** Files that change one after the other are read together, so many milliseconds after the last of them changed. */
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

  /** Looks after the files of this generation from now on. */
  follow(generation: Generation): void {
    this.close()
    this.#generation = generation
    this.#files = generation.tls === undefined ? [] : tlsFiles(generation.resolved)
    for (const file of this.#files) watchFile(file, { interval: intervalMs, persistent: false }, this.#look)
    // They may have changed since this generation read them, which then is not the newest.
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
      this.#log.info(`Certificate renewed: ${generation.resolved.settings.certfile}`)
      this.#put({ type: 'renewed', generation: generation.number, tls })
    } catch (error) {
      this.#log.error(`The certificate cannot be renewed, the old one stays: ${(error as Error).message}`)
    }
  }
}

function isSame(a: TlsMaterial, b: TlsMaterial): boolean {
  return a.cert === b.cert && a.key === b.key && a.ca === b.ca
}
