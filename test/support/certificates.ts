/** Certificates for tests, made by the `openssl` of this machine. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Pair {
  readonly cert: string
  readonly key: string
}

/** Tests that need certificates are skipped without it. */
export const hasOpenssl = spawnSync('openssl', ['version']).status === 0

/** An authority that signs certificates of `localhost` and 127.0.0.1, and what it signed. */
export class Authority {
  readonly cert: string
  readonly #folder = mkdtempSync(join(tmpdir(), 'tsicorn-ca-'))

  constructor() {
    this.#openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=Authority')
    this.cert = this.#read('ca.pem')
  }

  /** A pair whose subject has this common name. */
  sign(name: string): Pair {
    this.#openssl('req', ...newKey, '-keyout', 'key.pem', '-out', 'request.pem', '-subj', `/CN=${name}`)
    writeFileSync(join(this.#folder, 'names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n')
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names', '-days', '30']
    this.#openssl('x509', '-req', '-in', 'request.pem', '-out', 'cert.pem', ...by)
    return { cert: this.#read('cert.pem'), key: this.#read('key.pem') }
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true })
  }

  #read(file: string): string {
    return readFileSync(join(this.#folder, file), 'utf8')
  }

  #openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { cwd: this.#folder, stdio: ['ignore', 'pipe', 'pipe'] })
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
