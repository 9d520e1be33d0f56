/** What Node is told for the settings of TLS. */
import { constants } from 'node:crypto'
import type { SecureContextOptions, SecureVersion } from 'node:tls'
import type { TlsMaterial } from './messages.ts'

/** Throws nothing: whether they can be used is known when a context is made of them. */
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

/** OpenSSL keeps two lists, and Node one: a list without suites of TLS 1.3 would switch that version off. */
function withSuites(ciphers: string): string {
  const names = ciphers.split(':')
  if (names.some(name => suite.test(name))) return ciphers
  const usual = constants.defaultCoreCipherList.split(':').filter(name => suite.test(name))
  return [...usual, ...names].join(':')
}
