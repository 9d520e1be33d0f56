/** The files of the certificate, where a configuration names one; cryptography is loaded only then. */
import { resolve } from 'node:path'
import type { Resolved } from '../../config/resolve/resolve.ts'
import type { TlsMaterial } from '../../worker/protocol/messages.ts'

/**
 * Reads and checks them; undefined without TLS.
 *
 * @throws CertificateError
 */
export async function readTls(resolved: Resolved): Promise<TlsMaterial | undefined> {
  const { certfile } = resolved.settings
  if (certfile === null) return undefined
  const { readCertificate } = await import('./certificate.ts')
  return await readCertificate(certfile, resolved)
}

/** Their absolute paths. */
export function tlsFiles({ settings }: Resolved): readonly string[] {
  const { certfile, keyfile, ca_certs, chdir } = settings
  if (certfile === null) return []
  return [certfile, keyfile, ca_certs].flatMap(path => (path === null ? [] : [resolve(chdir, path)]))
}
