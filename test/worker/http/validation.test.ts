/** Which requests are valid, with what status the others are rejected, and how large a head the parser takes. */
import { expect } from 'chai'
import {
  createValidator,
  maxHeadBytes,
  type Rejection,
  type RequestRules,
} from '../../../worker/http/validation.ts'
import { defaultRules, type Given, requestOf } from './requests.ts'

function validate(given: Given, rules: Partial<RequestRules> = {}): Rejection | undefined {
  return createValidator({ ...defaultRules, ...rules })(requestOf(given))
}

const host = ['Host', 'test']
const many = (count: number) => Array.from({ length: count }, (_, n) => [`X-${n}`, '']).flat()

interface Case {
  readonly what: string
  readonly given: Given
  readonly rules?: Partial<RequestRules>
}

const valid: readonly Case[] = [
  { what: 'a plain request', given: {} },
  { what: 'a query', given: { url: '/a?b=c' } },
  { what: 'an absolute target', given: { url: 'http://test:80/a' } },
  { what: 'the asterisk with OPTIONS', given: { method: 'OPTIONS', url: '*' } },
  { what: 'HTTP/1.0 without a Host', given: { version: '1.0', headers: [] } },
  { what: 'an IPv6 host', given: { headers: ['Host', '[::1]:8000'] } },
  { what: 'as many fields as are allowed', given: { headers: [...host, ...many(99)] } },
  { what: 'Expect: 100-continue', given: { headers: [...host, 'Expect', '100-Continue'] } },
  { what: 'a coding before chunked', given: { headers: [...host, 'Transfer-Encoding', 'gzip, chunked'] } },
  { what: 'an underscore that is dropped later', given: { headers: [...host, 'X_A', ''] } },
  {
    what: 'a forwarder header of a trusted peer',
    given: { headers: [...host, 'SCRIPT_NAME', '/a'] },
    rules: { header_map: 'refuse' },
  },
  {
    what: 'an underscore where that is allowed',
    given: { headers: [...host, 'X_A', ''] },
    rules: { header_map: 'dangerous' },
  },
  {
    what: 'contradictory schemes of a stranger',
    given: {
      headers: [...host, 'X-Forwarded-Proto', 'https', 'X-Forwarded-Ssl', 'off'],
      peer: '192.0.2.1',
    },
  },
  {
    what: 'a dropped scheme field that contradicts another',
    given: { headers: [...host, 'X_SCHEME', 'http', 'X-Forwarded-Proto', 'https'] },
    rules: { secure_scheme_headers: { X_SCHEME: 'https', 'X-FORWARDED-PROTO': 'https' } },
  },
  {
    what: 'HTTP/2 with an authority alone',
    given: { version: '2.0', headers: [':method', 'GET', ':authority', 'test'] },
  },
  {
    what: 'HTTP/2 with as many fields as are allowed, not counting pseudo-headers',
    given: { version: '2.0', headers: [':method', 'GET', ':path', '/', ...many(100)] },
  },
  {
    what: 'a body as large as is allowed',
    given: { headers: [...host, 'Content-Length', '5'] },
    rules: { limit_request_body: 5 },
  },
]

const rejected: readonly (Case & { readonly status: number })[] = [
  { status: 414, what: 'a request line that is too long', given: { url: `/${'a'.repeat(4094)}` } },
  { status: 431, what: 'too many fields', given: { headers: [...host, ...many(100)] } },
  { status: 431, what: 'a field that is too long', given: { headers: [...host, 'X', 'x'.repeat(8190)] } },
  { status: 400, what: 'a method of another protocol', given: { method: 'DESCRIBE' } },
  { status: 400, what: 'a request line without a version', given: { version: '0.9' } },
  { status: 505, what: 'another version', given: { version: '3.0' } },
  { status: 400, what: 'no Host', given: { headers: [] } },
  { status: 400, what: 'several Host fields', given: { headers: [...host, ...host] } },
  { status: 400, what: 'a Host with a path', given: { headers: ['Host', 'test/a'] } },
  { status: 400, what: 'a Host with a user', given: { headers: ['Host', 'me@test'] } },
  {
    status: 400,
    what: 'several Content-Type fields',
    given: { headers: [...host, 'Content-Type', 'a', 'content-type', 'b'] },
  },
  { status: 400, what: 'the asterisk with GET', given: { url: '*' } },
  { status: 400, what: 'a target without a slash', given: { url: 'a' } },
  { status: 400, what: 'an absolute target without a host', given: { url: 'http://user@/' } },
  {
    status: 417,
    what: 'an Expect that only mentions 100-continue',
    given: { headers: [...host, 'Expect', 'x-100-continue'] },
  },
  {
    status: 400,
    what: 'a Transfer-Encoding in HTTP/1.0',
    given: { version: '1.0', headers: ['Transfer-Encoding', 'chunked'] },
  },
  {
    status: 400,
    what: 'a Transfer-Encoding without chunked',
    given: { headers: [...host, 'Transfer-Encoding', 'gzip'] },
  },
  {
    status: 400,
    what: 'chunked twice',
    given: { headers: [...host, 'Transfer-Encoding', 'chunked, chunked'] },
  },
  {
    status: 501,
    what: 'an unknown coding',
    given: { headers: [...host, 'Transfer-Encoding', 'zip, chunked'] },
  },
  {
    status: 413,
    what: 'a body that is too large',
    given: { headers: [...host, 'Content-Length', '6'] },
    rules: { limit_request_body: 5 },
  },
  {
    status: 400,
    what: 'an underscore where that is refused',
    given: { headers: [...host, 'X_A', ''] },
    rules: { header_map: 'refuse' },
  },
  {
    status: 400,
    what: 'a forwarder header of a stranger',
    given: { headers: [...host, 'SCRIPT_NAME', '/a'], peer: '192.0.2.1' },
    rules: { header_map: 'refuse' },
  },
  {
    status: 400,
    what: 'contradictory schemes of a trusted peer',
    given: { headers: [...host, 'X-Forwarded-Proto', 'https', 'X-Forwarded-Ssl', 'off'] },
  },
  {
    status: 400,
    what: 'one scheme field with two values',
    given: { headers: [...host, 'X-Forwarded-Proto', 'https', 'X-Forwarded-Proto', 'http'] },
  },
  {
    status: 400,
    what: 'HTTP/2 with a Host that is not its authority',
    given: { version: '2.0', headers: [':authority', 'test', 'host', 'other'] },
  },
  {
    status: 400,
    what: 'HTTP/2 with a malformed authority',
    given: { version: '2.0', headers: [':authority', 'me@test'] },
  },
  {
    status: 501,
    what: 'CONNECT over HTTP/2',
    given: { version: '2.0', method: 'CONNECT', headers: [':authority', 'test'] },
  },
]

describe('validation', () => {
  for (const { what, given, rules } of valid) {
    it(`accepts ${what}`, () => {
      expect(validate(given, rules)).to.equal(undefined)
    })
  }

  for (const { status, what, given, rules } of rejected) {
    it(`rejects ${what} with ${status}`, () => {
      expect(validate(given, rules)).to.include({ status })
    })
  }

  for (const { what, given, rules } of [...valid, ...rejected]) {
    it(`changes nothing of ${what}`, () => {
      const req = requestOf(given)
      const before = { headers: { ...req.headers }, rawHeaders: [...req.rawHeaders] }
      createValidator({ ...defaultRules, ...rules })(req)
      expect({ headers: req.headers, rawHeaders: req.rawHeaders }).to.deep.equal(before)
      expect(req.socket).not.to.have.property('encrypted')
    })
  }

  it('echoes nothing of the request', () => {
    for (const { given, rules } of rejected) {
      expect(validate({ ...given, url: given.url ?? '/sekrit' }, rules)?.why).not.to.include('sekrit')
    }
  })
})

describe('the head that the parser accepts', () => {
  it('has room for all that the limits allow', () => {
    expect(maxHeadBytes(defaultRules)).to.equal(4094 + 100 * 8190 + 4)
  })

  it('is never smaller than 128 KiB, and never larger than 1 MiB', () => {
    const few = { limit_request_line: 100, limit_request_fields: 1, limit_request_field_size: 100 }
    expect(maxHeadBytes({ ...defaultRules, ...few })).to.equal(2 ** 17)
    expect(maxHeadBytes({ ...defaultRules, limit_request_fields: 0 })).to.equal(2 ** 20)
  })
})
