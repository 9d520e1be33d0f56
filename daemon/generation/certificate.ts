/** Reads and checks the certificate and its key before any worker has to serve with them. */
import { createPrivateKey, type KeyObject, randomBytes, X509Certificate } from 'node:crypto'
import { closeSync, constants, fstatSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { SecureContextOptions } from 'node:tls'
import type { Resolved } from '../../config/resolve/resolve.ts'
import type { TlsMaterial } from '../../worker/protocol/messages.ts'
import { openSafely } from '../../worker/protocol/safe-open.ts'
import { systemMessage } from '../../worker/protocol/system-error.ts'
import { contextOptions } from '../../worker/protocol/tls-options.ts'

/** A file cannot be read, or is not what its setting says; the message names the setting, its value and the fix. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError'
}

/** @throws CertificateError */
export async function readCertificate(certfile: string, { settings, hooks }: Resolved): Promise<TlsMaterial> {
  const { keyfile, ca_certs, ciphers, ssl_version, cert_reqs, chdir } = settings
  const material: TlsMaterial = {
    cert: await read('certfile', certfile, chdir),
    key: keyfile === null ? await read('certfile', certfile, chdir) : await read('keyfile', keyfile, chdir),
    ...(ca_certs === null ? {} : { ca: await read('ca_certs', ca_certs, chdir) }),
    ...(ciphers === null ? {} : { ciphers }),
    ssl_version,
    cert_reqs,
    ticketKeys: randomBytes(48).toString('base64'),
    ...(hooks.ssl_context === undefined ? {} : { settings }),
  }
  // The hook may change it in unknown ways: decrypt a key, or use another certificate.
  if (hooks.ssl_context === undefined) await tryOut(material, settings)
  else if (!mayFit(material)) throw new CertificateError(unfit(settings))
  return material
}

async function read(setting: string, path: string, folder: string): Promise<string> {
  try {
    return await readRegular(resolve(folder, path))
  } catch (error) {
    const why = systemMessage(error as Error)
    throw new CertificateError(
      `${setting} "${path}" cannot be read: ${why}: name a file that the arbiter may read`,
    )
  }
}

/** How large one of the files may be, in bytes: to look for certificates in hundreds of megabytes takes a minute. */
const mostBytes = 1_048_576

/** A pipe could block the arbiter for ever, and other users' links could point to any key. */
async function readRegular(path: string): Promise<string> {
  const fd = await openSafely(path, constants.O_RDONLY)
  try {
    const found = fstatSync(fd, { bigint: true })
    if (!found.isFile()) throw new Error('it is no regular file')
    if (found.size > mostBytes) throw new Error('it is larger than 1 MiB')
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}

/** Checks one part after the other, to find out which of them is wrong. */
async function tryOut(material: TlsMaterial, settings: Resolved['settings']): Promise<void> {
  const { createSecureContext } = await import('node:tls')
  const { certfile, keyfile, ca_certs, ciphers } = settings
  const attempt = (options: SecureContextOptions, complain: (error: NodeJS.ErrnoException) => string) => {
    try {
      // Node takes an empty text for nothing at all, as when a disk was full while the file was written.
      if (Object.values(options).includes('')) throw new Error('it is empty')
      createSecureContext(options)
    } catch (error) {
      throw new CertificateError(complain(error as NodeJS.ErrnoException), { cause: error })
    }
  }
  const { cert, key, ciphers: list } = contextOptions(material)
  const keyName = nameOfKey(settings)
  attempt(
    { cert },
    () => `certfile "${certfile}" holds no certificate: give it in PEM form, its chain behind it`,
  )
  attempt({ key }, error =>
    /passphrase|bad decrypt|interrupted/i.test(error.message)
      ? `${keyName} has a passphrase: remove it (openssl pkey), or give it in the hook ssl_context`
      : `${keyName} holds no private key: ${keyfile === null ? 'set keyfile' : 'give it in PEM form'}`,
  )
  // OpenSSL accepts a certificate and a key of different types together.
  if (!mayFit(material)) throw new CertificateError(unfit(settings))
  attempt({ cert, key }, error => `${keyName} cannot be used with certfile "${certfile}": ${error.message}`)
  attempt(
    { ciphers: list },
    error => `ciphers "${ciphers}" cannot be used: ${error.message}: see openssl ciphers -v`,
  )
  // Node accepts anything as an authority, and then trusts none.
  if (material.ca !== undefined && !isCertificate(material.ca)) {
    throw new CertificateError(
      `ca_certs "${ca_certs}" holds no certificate: give the authorities in PEM form`,
    )
  }
  attempt(contextOptions(material), error => `The settings of TLS do not fit together: ${error.message}`)
}

function nameOfKey({ certfile, keyfile }: Resolved['settings']): string {
  return keyfile === null ? `certfile "${certfile}"` : `keyfile "${keyfile}"`
}

function unfit(settings: Resolved['settings']): string {
  return `${nameOfKey(settings)} is not the key of the certificate in certfile "${settings.certfile}": give the key that the certificate was made for`
}

/** False if both can be read and the certificate was made for another key. */
function mayFit({ cert, key }: TlsMaterial): boolean {
  let own: KeyObject
  let certificate: X509Certificate
  try {
    own = createPrivateKey(key)
    certificate = new X509Certificate(cert)
  } catch {
    // Other checks decide whether that is a mistake.
    return true
  }
  return certificate.checkPrivateKey(own)
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).raw.length > 0
  } catch (error) {
    // Whatever the error, a person has to look at the file.
    return !(error instanceof Error)
  }
}
