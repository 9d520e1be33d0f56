/** Which headers and which scheme an app sees: those of a trusted peer count, those of a stranger do not. */
import { expect } from 'chai'
import type { RequestRules } from '../../../worker/http/validation.ts'
import { createRewriter } from '../../../worker/server/header-rewriting.ts'
import { defaultRules, type Given, requestOf } from './requests.ts'

function rewritten(given: Given, rules: Partial<RequestRules> = {}) {
  const req = requestOf(given)
  createRewriter({ ...defaultRules, ...rules })(req)
  return req
}

const host = ['Host', 'test']
const encrypted = (req: ReturnType<typeof requestOf>) => (req.socket as { encrypted?: boolean }).encrypted

describe('the headers of a valid request', () => {
  it('stay as they are when there is nothing to rewrite', () => {
    const { headers, rawHeaders } = rewritten({ headers: [...host, 'X-A', '1'] })
    expect(headers).to.deep.equal({ host: 'test', 'x-a': '1' })
    expect(rawHeaders).to.deep.equal([...host, 'X-A', '1'])
  })

  it('have the host of an absolute target', () => {
    const { headers, rawHeaders } = rewritten({ url: 'http://other:80/a', headers: ['HOST', 'test'] })
    expect(headers.host).to.equal('other:80')
    expect(rawHeaders).to.deep.equal(['HOST', 'other:80'])
  })

  it('get a Host from an absolute target where there was none', () => {
    const { headers, rawHeaders } = rewritten({ version: '1.0', url: 'http://other/', headers: [] })
    expect(headers.host).to.equal('other')
    expect(rawHeaders).to.deep.equal(['Host', 'other'])
  })

  it('get a Host from the authority of HTTP/2', () => {
    expect(rewritten({ version: '2.0', headers: [':authority', 'test'] }).headers.host).to.equal('test')
  })

  it('lose names with an underscore', () => {
    const { headers, rawHeaders } = rewritten({ headers: ['X_A', '1', ...host, 'Y_B', '2'] })
    expect(headers).to.deep.equal({ host: 'test' })
    expect(rawHeaders).to.deep.equal(host)
  })

  it('keep the forwarder headers of a trusted peer', () => {
    expect(rewritten({ headers: [...host, 'Script_Name', '/a'] }).headers).to.have.property('script_name')
  })

  it('lose the forwarder headers of a stranger', () => {
    const { headers } = rewritten({ headers: [...host, 'SCRIPT_NAME', '/a'], peer: '192.0.2.1' })
    expect(headers).not.to.have.property('script_name')
  })

  it('keep names with an underscore where header_map says so', () => {
    const { headers } = rewritten({ headers: [...host, 'X_A', '1'] }, { header_map: 'dangerous' })
    expect(headers).to.have.property('x_a')
  })
})

describe('the scheme of a connection', () => {
  it('is that of a trusted proxy', () => {
    expect(encrypted(rewritten({ headers: [...host, 'X-Forwarded-Proto', 'https'] }))).to.equal(true)
    expect(encrypted(rewritten({ headers: [...host, 'X-Forwarded-Proto', 'http'] }))).to.equal(false)
  })

  it('is not that of a stranger', () => {
    const given = { headers: [...host, 'X-Forwarded-Proto', 'https'], peer: '192.0.2.1' }
    expect(encrypted(rewritten(given))).to.equal(undefined)
  })

  it('is forgotten by the next request without one', () => {
    const rewrite = createRewriter(defaultRules)
    const first = requestOf({ headers: [...host, 'X-Forwarded-Ssl', 'on'] })
    rewrite(first)
    const second = Object.assign(requestOf({}), { socket: first.socket })
    rewrite(second)
    expect(encrypted(second)).to.equal(false)
  })

  it('stays https where tsicorn itself terminates TLS', () => {
    const req = requestOf({ headers: [...host, 'X-Forwarded-Proto', 'http'] })
    Object.assign(req.socket, { encrypted: true })
    createRewriter(defaultRules)(req)
    expect(encrypted(req)).to.equal(true)
  })

  it('is not taken from a field that is dropped', () => {
    const rules = { secure_scheme_headers: { X_SCHEME: 'https' } }
    expect(encrypted(rewritten({ headers: [...host, 'X_SCHEME', 'https'] }, rules))).to.equal(undefined)
  })
})
