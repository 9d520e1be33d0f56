/** Node's TLS options for the TLS settings. */
import { constants } from 'node:crypto'
import type { SecureContextOptions, SecureVersion } from 'node:tls'
import type { TlsMaterial } from './messages.ts'

/** Does not throw: whether the options are usable shows when a context is created from them. */
export function contextOptions(material: TlsMaterial): SecureContextOptions {
  const { cert, key, ca, ciphers, ssl_version } = material
  const [minVersion, maxVersion = minVersion] = ssl_version.split('-') as SecureVersion[]
  return {
    cert,
    key,
    ...(ca === undefined ? {} : { ca }),
    ...(ciphers === undefined ? {} : { ciphers: withSuites(ciphers) }),
    ...(minVersion === undefined ? {} : { minVersion }),
    ...(maxVersion === undefined ? {} : { maxVersion }),
  }
}

const suite = /^TLS_/

/** OpenSSL has two lists and Node one: a list without TLS 1.3 suites would disable TLS 1.3. */
function withSuites(ciphers: string): string {
  const names = ciphers.split(':')
  if (names.some(name => suite.test(name))) return ciphers
  const defaults = constants.defaultCoreCipherList.split(':').filter(name => suite.test(name))
  return [...defaults, ...names].join(':')
}
