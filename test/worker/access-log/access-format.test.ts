/** What each atom of an access log format prints, and that no value of a client forges a field or a line. */
import { expect } from 'chai'
import { array, assert, constantFrom, property } from 'fast-check'
import { lineFormat } from '../../../config/kinds/line-format.ts'
import { atomsOf, compileFormat, type Entry } from '../../../worker/access-log/format.ts'

const entry: Entry = {
  request: {
    method: 'GET',
    url: '/caf%C3%A9/x?a=1&b=2',
    httpVersion: '1.1',
    headers: {
      authorization: `Basic ${Buffer.from('ada:secret').toString('base64')}`,
      referer: 'http://example.org/',
      'user-agent': 'probe/1.0',
      'content-type': 'text/plain',
      'set-cookie': ['a=1', 'b=2'],
    },
  },
  remoteAddress: '192.0.2.7',
  remotePort: 4711,
  status: 201,
  outcome: 'ok',
  bytes: 5,
  duration: 1234.5678,
  time: new Date(2026, 2, 1, 9, 5, 7).getTime(),
  responseHeader: name => ({ 'x-reply': 'yes', 'x-many': ['1', '2'], 'x-size': 7 })[name],
}

function line(format: string, changes: Partial<Entry> = {}): string {
  return compileFormat(format)({ ...entry, ...changes })
}

function withRequest(changes: Partial<NonNullable<Entry['request']>>): Partial<Entry> {
  return { request: { ...entry.request!, ...changes } }
}

describe('access log format', () => {
  const expected: Readonly<Record<string, string>> = {
    h: '192.0.2.7',
    l: '-',
    u: 'ada',
    r: 'GET /caf%C3%A9/x?a=1&b=2 HTTP/1.1',
    m: 'GET',
    U: '/caf\\xC3\\xA9/x',
    q: 'a=1&b=2',
    H: 'HTTP/1.1',
    s: '201',
    B: '5',
    b: '5',
    f: 'http://example.org/',
    a: 'probe/1.0',
    T: '1',
    M: '1234',
    D: '1234567',
    L: '1.234568',
    p: `<${process.pid}>`,
    '{User-Agent}i': 'probe/1.0',
    '{set-cookie}i': 'a=1, b=2',
    '{absent}i': '-',
    '{X-Reply}o': 'yes',
    '{x-many}o': '1, 2',
    '{x-size}o': '7',
    '{absent}o': '-',
    '{REMOTE_ADDR}e': '192.0.2.7',
    '{remote_port}e': '4711',
    '{REQUEST_METHOD}e': 'GET',
    '{RAW_URI}e': '/caf%C3%A9/x?a=1&b=2',
    '{PATH_INFO}e': '/caf\\xC3\\xA9/x',
    '{QUERY_STRING}e': 'a=1&b=2',
    '{SERVER_PROTOCOL}e': 'HTTP/1.1',
    '{CONTENT_TYPE}e': 'text/plain',
    '{CONTENT_LENGTH}e': '-',
    '{HTTP_USER_AGENT}e': 'probe/1.0',
    '{TSICORN_TEST_ABSENT}e': '-',
    unknown: '-',
    Object: '-',
    '': '',
  }
  for (const [atom, value] of Object.entries(expected)) {
    it(`prints the right value for %(${atom})s`, () => {
      expect(line(`<%(${atom})s>`)).to.equal(`<${value}>`)
    })
  }

  it('prints local time with its distance from UTC for %(t)s', () => {
    expect(line('%(t)s')).to.match(/^\[01\/Mar\/2026:09:05:07 [+-]\d{4}\]$/)
  })

  it('prints the next second when the second has changed', () => {
    const print = compileFormat('%(t)s')
    print(entry)
    expect(print({ ...entry, time: entry.time + 1000 })).to.include(':09:05:08 ')
  })

  it('prints variables of the process when the request has none of that name', () => {
    process.env.TSICORN_TEST_COLOUR = 'blue'
    try {
      expect(line('%({tsicorn_test_colour}e)s')).to.equal('blue')
    } finally {
      delete process.env.TSICORN_TEST_COLOUR
    }
  })

  it('keeps text, percent signs and the order of the default format', () => {
    const format = '%(h)s %(l)s %(u)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s" 100%%'
    expect(line(format)).to.equal(
      '192.0.2.7 - ada "GET /caf%C3%A9/x?a=1&b=2 HTTP/1.1" 201 5 "http://example.org/" "probe/1.0" 100%',
    )
  })

  it('reads what the configuration accepts, and nothing else', () => {
    const pieces = array(constantFrom('%', '(', ')', 's', 'd', 'h', ' ', '{x}i'), { maxLength: 12 })
    assert(
      property(pieces, pieces => {
        const format = pieces.join('')
        if (format.trim() === '') return
        const accepted = lineFormat.read(format) !== undefined
        if (accepted) compileFormat(format)
        else expect(() => compileFormat(format)).to.throw(/^access_log_format cannot be read at/)
      }),
    )
  })

  it('takes %% before an atom for a percent sign only', () => {
    expect(line('%%(h)s')).to.equal('%(h)s')
  })

  it('prints - for everything of a request that was refused', () => {
    const { request, ...refused } = entry
    expect(request).to.not.equal(undefined)
    const format =
      '%(u)s %(r)s %(m)s %(U)s %(q)s %(H)s %(f)s %(a)s %({x}i)s %({HTTP_X}e)s %({RAW_URI}e)s %(s)s'
    expect(compileFormat(format)(refused)).to.equal('- - - - - - - - - - - 201')
  })

  it('prints - for the address of a unix socket', () => {
    expect(line('%(h)s', { remoteAddress: '' })).to.equal('-')
  })

  it('finds path and query in absolute and asterisk targets', () => {
    expect(line('%(U)s %(q)s', withRequest({ url: 'http://example.org/a?b' }))).to.equal('/a b')
    expect(line('%(U)s %(q)s', withRequest({ url: '*' }))).to.equal('* ')
  })

  it('lets no value forge a field or a line', () => {
    const headers = { 'user-agent': '"\\\n\r\t\x1b[31m\x7f\xe9' }
    expect(line('"%(a)s"', withRequest({ headers }))).to.equal('"\\"\\\\\\x0A\\x0D\\x09\\x1B[31m\\x7F\\xE9"')
    expect(line('%(U)s', withRequest({ url: '/%0a%22' }))).to.equal('/\\x0A\\"')
  })

  it('writes characters of the environment as UTF-8 bytes', () => {
    process.env.TSICORN_TEST_SIGN = '€😀'
    try {
      expect(line('%({TSICORN_TEST_SIGN}e)s')).to.equal('\\xE2\\x82\\xAC\\xF0\\x9F\\x98\\x80')
    } finally {
      delete process.env.TSICORN_TEST_SIGN
    }
  })

  const users: Readonly<Record<string, string>> = {
    [`Basic ${Buffer.from('a b:c').toString('base64')}`]: 'a\\x20b',
    [`basic ${Buffer.from('ada:').toString('base64')}`]: 'ada',
    [`Basic ${Buffer.from(':secret').toString('base64')}`]: '-',
    'Bearer abc': '-',
    Basic: '-',
  }
  for (const [authorization, user] of Object.entries(users)) {
    it(`prints ${user} as the user of "${authorization}"`, () => {
      expect(line('%(u)s', withRequest({ headers: { authorization } }))).to.equal(user)
    })
  }

  for (const format of ['%x', '%(h)', '%(h)q', '100%', '%(h', 'a %']) {
    it(`refuses "${format}" and says where it is wrong`, () => {
      expect(() => compileFormat(format)).to.throw(/^access_log_format cannot be read at "%.*character \d+: /)
    })
  }

  it('names the atoms of a format', () => {
    expect([...atomsOf('%(h)s %% "%(r)s" %({x}i)s')]).to.have.members(['h', 'r', '{x}i', ''])
  })
})
