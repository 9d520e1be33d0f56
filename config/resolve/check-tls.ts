/** Checks TLS and HTTP/2 settings that only make sense together. */
import type { Hooks } from '../../hooks/table.ts'
import type { Problem } from '../load/config-error.ts'
import type { SettingName, Settings } from '../table.ts'
import { show } from './layers.ts'

type Rule = readonly [setting: SettingName, isBroken: boolean, message: string]

export function checkTls(
  settings: Settings,
  hooks: Hooks,
  origins: Readonly<Record<SettingName, string>>,
): readonly Problem[] {
  const { certfile, keyfile, ca_certs, cert_reqs, http_protocols, http2_cleartext } = settings
  const isPlain = certfile === null
  const rules: readonly Rule[] = [
    ['keyfile', isPlain && keyfile !== null, 'needs certfile, the certificate that the key was made for'],
    ['ca_certs', isPlain && ca_certs !== null, 'needs certfile: clients show certificates in TLS only'],
    ['cert_reqs', isPlain && cert_reqs > 0, 'needs certfile: clients show certificates in TLS only'],
    [
      'cert_reqs',
      !isPlain && cert_reqs > 0 && ca_certs === null && hooks.ssl_context === undefined,
      'needs ca_certs, the authorities that sign certificates of clients',
    ],
    ['http_protocols', http_protocols.length === 0, 'must name h1, h2 or both'],
    [
      'http_protocols',
      isPlain && http_protocols.includes('h2'),
      'needs certfile, because clients choose h2 in TLS: without it, set http2_cleartext',
    ],
    [
      'http2_cleartext',
      !isPlain && http2_cleartext !== 'off',
      'is for addresses without TLS: with certfile, set http_protocols',
    ],
  ]
  return rules.flatMap(([name, isBroken, message]) =>
    isBroken ? [{ origin: origins[name], message: `${name} ${show(settings[name])} ${message}` }] : [],
  )
}
