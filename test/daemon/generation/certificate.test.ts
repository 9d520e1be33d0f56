/** Mistakes in the files of a certificate are named with their cure before any worker has to serve with them. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { mergeLayers } from '../../../config/resolve/layers.ts'
import type { Settings } from '../../../config/table.ts'
import { CertificateError, readCertificate } from '../../../daemon/generation/certificate.ts'
import type { TlsMaterial } from '../../../worker/protocol/messages.ts'
import { Authority, hasOpenssl } from '../../support/certificates.ts'

const { settings: defaults } = mergeLayers([], { env: {}, cwd: '/' })

describe('a certificate', () => {
  let folder: string

  before(function () {
    if (!hasOpenssl) {
      process.stderr.write('Skipping certificates: there is no openssl to make them with\n')
      this.skip()
    }
    folder = mkdtempSync(join(tmpdir(), 'tsicorn-certificate-'))
    const authority = new Authority()
    const [own, other] = [authority.sign('own'), authority.sign('other')]
    authority.remove()
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey
    const files = {
      'cert.pem': own.cert,
      'key.pem': own.key,
      'both.pem': `${own.cert}${own.key}`,
      'other.pem': other.key,
      'rsa.pem': rsa.export({ type: 'pkcs8', format: 'pem' }),
      'secret.pem': rsa.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'a' }),
      'ca.pem': authority.cert,
      'app.mjs': 'export default () => undefined',
      'empty.pem': '',
      'large.pem': own.cert.padEnd(1_048_577),
    }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  })
  after(() => folder && rmSync(folder, { recursive: true }))

  async function read(settings: Partial<Settings>): Promise<TlsMaterial> {
    const all = { ...defaults, certfile: 'cert.pem', chdir: folder, ...settings }
    return await readCertificate(`${all.certfile}`, { settings: all, hooks: {} } as never)
  }

  it('is read with its key, and with the authorities of clients', async () => {
    const settings = { keyfile: 'key.pem', ca_certs: 'ca.pem', cert_reqs: 2, ciphers: 'HIGH' }
    const { cert, key, ca, cert_reqs, ciphers } = await read(settings)
    expect([cert, ca])
      .to.have.length(2)
      .and.satisfy((texts: string[]) => texts.every(isCertificate))
    expect(key).to.match(/^-----BEGIN PRIVATE KEY-----/)
    expect({ cert_reqs, ciphers }).to.deep.equal({ cert_reqs: 2, ciphers: 'HIGH' })
    const both = await read({ certfile: 'both.pem' })
    expect(both.key).to.equal(both.cert)
  })

  const key = { keyfile: 'key.pem' }
  const mistakes: readonly (readonly [what: string, settings: Partial<Settings>, message: RegExp])[] = [
    [
      'a missing file',
      { keyfile: 'gone.pem' },
      /^keyfile "gone\.pem" cannot be read: no such file or directory: name a file/,
    ],
    [
      'a key of another certificate',
      { keyfile: 'other.pem' },
      /^keyfile "other\.pem" is not the key of the certificate in certfile "cert\.pem": give the key/,
    ],
    [
      'a key of another type',
      { keyfile: 'rsa.pem' },
      /^keyfile "rsa\.pem" is not the key of the certificate in certfile "cert\.pem": give the key/,
    ],
    [
      'a key with a passphrase',
      { keyfile: 'secret.pem' },
      /^keyfile "secret\.pem" has a passphrase: remove it \(openssl pkey\), or give it in the hook ssl_context/,
    ],
    ['no key', {}, /^certfile "cert\.pem" holds no private key: set keyfile$/],
    [
      'what is no key',
      { keyfile: 'app.mjs' },
      /^keyfile "app\.mjs" holds no private key: give it in PEM form/,
    ],
    [
      'what is no certificate',
      { ...key, certfile: 'app.mjs' },
      /^certfile "app\.mjs" holds no certificate: give it in PEM form/,
    ],
    [
      'an empty certificate',
      { ...key, certfile: 'empty.pem' },
      /^certfile "empty\.pem" holds no certificate: give/,
    ],
    [
      'an empty key',
      { keyfile: 'empty.pem' },
      /^keyfile "empty\.pem" holds no private key: give it in PEM form/,
    ],
    [
      'its size',
      { ...key, certfile: 'large.pem' },
      /^certfile "large\.pem" cannot be read: it is larger than 1 MiB: /,
    ],
    [
      'bad authorities',
      { ...key, ca_certs: 'app.mjs', cert_reqs: 2 },
      /^ca_certs "app\.mjs" holds no certificate: give the authorities in PEM form/,
    ],
    [
      'unknown ciphers',
      { ...key, ciphers: 'NONSENSE' },
      /^ciphers "NONSENSE" cannot be used: .*: see openssl/,
    ],
  ]
  for (const [what, settings, message] of mistakes) {
    it(`is refused because of ${what}`, async () => {
      const error = await read(settings).catch((error: unknown) => error)
      expect(error).to.be.instanceOf(CertificateError)
      expect((error as Error).message).to.match(message)
    })
  }
})

function isCertificate(text: string): boolean {
  return text.startsWith('-----BEGIN CERTIFICATE-----')
}
