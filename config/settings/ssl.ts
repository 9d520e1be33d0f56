/** The settings under "SSL". */
import type { Group } from '../kinds/declaration.ts'
import { choice, integer, optionalText } from '../kinds/kinds.ts'

export const ssl = {
  keyfile: {
    kind: optionalText('FILE'),
    default: null,
    flag: '--keyfile',
    doc: 'The private key, as PEM; null where `certfile` holds it as well. A path starts in `chdir`.',
    effect: 'on reload',
  },
  certfile: {
    kind: optionalText('FILE'),
    default: null,
    flag: '--certfile',
    doc: 'The certificate and its chain, as PEM. Every address then speaks TLS, and nothing else. A file that is renewed is taken within seconds. See [TLS and HTTP/2](tls.md).',
    effect: 'on reload',
  },
  ssl_version: {
    kind: choice(['TLSv1.2-TLSv1.3', 'TLSv1.2', 'TLSv1.3']),
    default: 'TLSv1.2-TLSv1.3',
    flag: '--ssl-version',
    doc: 'The lowest and the highest version of TLS, or the only one. Gunicorn ignores it.',
    effect: 'on reload',
  },
  cert_reqs: {
    kind: integer({ max: 2 }),
    default: 0,
    flag: '--cert-reqs',
    doc: 'Certificates of clients: 0 none are asked for, 1 one may be sent, 2 one must be sent. What is sent has to be signed by one of `ca_certs`.',
    effect: 'on reload',
  },
  ca_certs: {
    kind: optionalText('FILE'),
    default: null,
    flag: '--ca-certs',
    doc: 'The authorities that sign certificates of clients, as PEM.',
    effect: 'on reload',
  },
  ciphers: {
    kind: optionalText('CIPHERS'),
    default: null,
    flag: '--ciphers',
    doc: "The ciphers, in OpenSSL's notation, the best first. Those of TLS 1.3 stay as they are unless the list names some.",
    effect: 'on reload',
  },
} as const satisfies Group
