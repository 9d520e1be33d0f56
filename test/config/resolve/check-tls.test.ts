/** Which settings of TLS go together, and what is said of those that do not. */
import { expect } from 'chai'
import { checkTls } from '../../../config/resolve/check-tls.ts'
import { mergeLayers } from '../../../config/resolve/layers.ts'
import type { Settings } from '../../../config/table.ts'
import type { Hooks } from '../../../hooks/table.ts'

const { settings: defaults } = mergeLayers([], { env: {}, cwd: '/' })
const origins = Object.fromEntries(Object.keys(defaults).map(name => [name, `from ${name}`]))

function check(settings: Partial<Settings>, hooks: Hooks = {}) {
  return checkTls({ ...defaults, ...settings }, hooks, origins as never)
}

const tls = { certfile: '/cert.pem' }

const fine: readonly (readonly [what: string, settings: Partial<Settings>, hooks?: Hooks])[] = [
  ['the defaults', {}],
  ['a certificate', tls],
  ['a certificate and its key', { ...tls, keyfile: '/key.pem' }],
  ['certificates of clients and their authorities', { ...tls, cert_reqs: 2, ca_certs: '/ca.pem' }],
  ['certificates of clients and a hook', { ...tls, cert_reqs: 1 }, { ssl_context: () => ({}) }],
  ['HTTP/2 over TLS', { ...tls, http_protocols: ['h1', 'h2'] }],
  ['HTTP/2 without TLS', { http2_cleartext: 'prior-knowledge' }],
]

const broken: readonly (readonly [settings: Partial<Settings>, name: keyof Settings, message: RegExp])[] = [
  [{ keyfile: '/key.pem' }, 'keyfile', /^keyfile "\/key.pem" needs certfile/],
  [{ ca_certs: '/ca.pem' }, 'ca_certs', /^ca_certs "\/ca.pem" needs certfile/],
  [{ cert_reqs: 2 }, 'cert_reqs', /^cert_reqs 2 needs certfile/],
  [{ ...tls, cert_reqs: 1 }, 'cert_reqs', /^cert_reqs 1 needs ca_certs/],
  [{ http_protocols: [] }, 'http_protocols', /^http_protocols \[\] must name h1, h2 or both/],
  [{ http_protocols: ['h2'] }, 'http_protocols', /needs certfile.*set http2_cleartext/],
  [{ ...tls, http2_cleartext: 'prior-knowledge' }, 'http2_cleartext', /is for addresses without TLS/],
]

describe('settings of TLS that belong together', () => {
  for (const [what, settings, hooks] of fine) {
    it(`accepts ${what}`, () => {
      expect(check(settings, hooks)).to.deep.equal([])
    })
  }

  for (const [settings, name, message] of broken) {
    it(`refuses ${JSON.stringify(settings)}`, () => {
      const [problem, ...others] = check(settings)
      expect(others).to.deep.equal([])
      expect(problem?.origin).to.equal(`from ${name}`)
      expect(problem?.message).to.match(message)
    })
  }

  it('says all problems at once', () => {
    const problems = check({ keyfile: '/key.pem', ca_certs: '/ca.pem', http_protocols: ['h2'] })
    expect(problems.map(({ origin }) => origin)).to.deep.equal([
      'from keyfile',
      'from ca_certs',
      'from http_protocols',
    ])
  })
})
