/** The settings under "SSL". */
import type { Group } from '../kinds/declaration.ts'
import { choice, integer, optionalText } from '../kinds/kinds.ts'

export const ssl = {
  keyfile: {
    kind: optionalText('FILE'),
    default: null,
    flag: '--keyfile',
    doc: 'The private key, as PEM; null if `certfile` contains it. Relative paths start in `chdir`.',
    effect: 'on reload',
  },
  certfile: {
    kind: optionalText('FILE'),
    default: null,
    flag: '--certfile',
    doc: 'The certificate and its chain, as PEM. Every address then speaks TLS and nothing else. A renewed file is picked up within seconds. See [TLS and HTTP/2](tls.md).',
    effect: 'on reload',
  },
  ssl_version: {
    kind: choice(['TLSv1.2-TLSv1.3', 'TLSv1.2', 'TLSv1.3']),
    default: 'TLSv1.2-TLSv1.3',
    flag: '--ssl-version',
    doc: 'The lowest and the highest TLS version, or the only one. Gunicorn ignores it.',
    effect: 'on reload',
  },
  cert_reqs: {
    kind: integer({ max: 2 }),
    default: 0,
    flag: '--cert-reqs',
    doc: 'Client certificates: 0 not requested, 1 optional, 2 required. A certificate that is sent must be signed by one of `ca_certs`.',
    effect: 'on reload',
  },
  ca_certs: {
    kind: optionalText('FILE'),
    default: null,
    flag: '--ca-certs',
    doc: 'The authorities that sign client certificates, as PEM.',
    effect: 'on reload',
  },
  ciphers: {
    kind: optionalText('CIPHERS'),
    default: null,
    flag: '--ciphers',
    doc: "The ciphers, in OpenSSL's notation, preferred first. The TLS 1.3 ciphers stay as they are unless the list names some.",
    effect: 'on reload',
  },
} as const satisfies Group
