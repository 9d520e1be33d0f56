import { choice, integer, optionalText } from '../kinds.ts'
import type { Group } from './declaration.ts'

export const ssl = {
  keyfile: {
    kind: optionalText('FILE'),
    default: null,
    flag: '--keyfile',
    doc: 'The private key, as PEM.',
    effect: 'on reload',
    available: false,
  },
  certfile: {
    kind: optionalText('FILE'),
    default: null,
    flag: '--certfile',
    doc: 'The certificate and its chain, as PEM.',
    effect: 'on reload',
    available: false,
  },
  ssl_version: {
    kind: choice(['TLSv1.2-TLSv1.3', 'TLSv1.2', 'TLSv1.3']),
    default: 'TLSv1.2-TLSv1.3',
    flag: '--ssl-version',
    doc: 'The lowest and the highest version of TLS, or the only one. Gunicorn ignores it.',
    effect: 'on reload',
    available: false,
  },
  cert_reqs: {
    kind: integer({ max: 2 }),
    default: 0,
    flag: '--cert-reqs',
    doc: 'Certificates of clients: 0 none, 1 welcome, 2 required.',
    effect: 'on reload',
    available: false,
  },
  ca_certs: {
    kind: optionalText('FILE'),
    default: null,
    flag: '--ca-certs',
    doc: 'The authorities that sign certificates of clients, as PEM.',
    effect: 'on reload',
    available: false,
  },
  ciphers: {
    kind: optionalText('CIPHERS'),
    default: null,
    flag: '--ciphers',
    doc: "The ciphers, in OpenSSL's notation.",
    effect: 'on reload',
    available: false,
  },
} as const satisfies Group
