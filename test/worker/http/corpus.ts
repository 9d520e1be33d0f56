/** Requests as bytes, and what a strict server makes of them. */

export interface Case {
  readonly what: string
  readonly sends: string
  /** The statuses of all answers, in order; 0 stands for a connection that is closed without one. */
  readonly statuses: readonly number[]
  /** How many requests the application sees. */
  readonly ran: number
  /** Whether the connection ends afterwards. */
  readonly closes: boolean
  /** What the application has to have seen of the last request. */
  readonly saw?: { readonly url?: string; readonly body?: string; readonly headers?: Record<string, unknown> }
}

type Rest = Partial<Omit<Case, 'what' | 'sends'>>

const host = 'Host: test\r\n'

function request(line: string, ...fields: string[]): string {
  return `${[line, ...fields, '', ''].join('\r\n')}`
}

function ok(what: string, sends: string, rest: Rest = {}): Case {
  return { what, sends, statuses: [200], ran: 1, closes: false, ...rest }
}

function bad(what: string, sends: string, status = 400): Case {
  return { what, sends, statuses: [status], ran: 0, closes: true }
}

const get = (...fields: string[]) => request('GET / HTTP/1.1', 'Host: test', ...fields)
const post = (fields: string, body: string) => `POST / HTTP/1.1\r\n${host}${fields}\r\n\r\n${body}`
const chunked = (body: string, fields = '') =>
  post(`Transfer-Encoding: chunked${fields === '' ? '' : `\r\n${fields}`}`, body)
const longUrl = (length: number) => `/${'a'.repeat(length - 'GET / HTTP/1.1\r\n'.length)}`
const many = (count: number) => Array.from({ length: count }, (_, n) => `X-${n}: ${n}`)

const requestLines: readonly Case[] = [
  ok('a plain request', get()),
  ok('a query', request('GET /a?b=c&d HTTP/1.1', 'Host: test'), { saw: { url: '/a?b=c&d' } }),
  ok('an absolute target', request('GET http://test/a HTTP/1.1', 'Host: test')),
  ok('an absolute target of https', request('GET https://test/ HTTP/1.1', 'Host: test')),
  ok('the asterisk with OPTIONS', request('OPTIONS * HTTP/1.1', 'Host: test'), { saw: { url: '*' } }),
  bad('the asterisk with GET', request('GET * HTTP/1.1', 'Host: test')),
  bad('the asterisk with POST', request('POST * HTTP/1.1', 'Host: test', 'Content-Length: 0')),
  bad('a target without a slash', request('GET a HTTP/1.1', 'Host: test')),
  bad('a target that is a host', request('GET test:80 HTTP/1.1', 'Host: test')),
  ok('an absolute target with a port', request('GET http://test:8000/a?b HTTP/1.1', 'Host: test:8000')),
  ok('an absolute target of IPv6', request('GET http://[::1]:8000/a HTTP/1.1', 'Host: [::1]:8000')),
  ok('an absolute target with a user', request('GET http://user:pass@test/a HTTP/1.1', 'Host: test')),
  ok('an absolute target without a path', request('GET http://test?a HTTP/1.1', 'Host: test')),
  bad('an absolute target whose host is none', request('PUT s://]ufd/: HTTP/1.1', 'Host: test')),
  bad('an absolute target with an open bracket', request('GET http://[::1/ HTTP/1.1', 'Host: test')),
  bad('an absolute target with a port in letters', request('GET http://test:x/ HTTP/1.1', 'Host: test')),
  bad('an absolute target with a user alone', request('GET http://user@/ HTTP/1.1', 'Host: test')),
  ok('a fragment in the target', request('GET /a?b#c HTTP/1.1', 'Host: test')),
  ok('quotes in the target', request('GET /"a"?b="c" HTTP/1.1', 'Host: test')),
  ok(
    'an absolute target of another host than the Host',
    request('GET http://other/a HTTP/1.1', 'Host: test'),
    {
      saw: { headers: { host: 'other' } },
    },
  ),
  bad('RTSP', request('ANNOUNCE / RTSP/1.0', 'Host: test')),
  ok('many slashes', request('GET ///a//b HTTP/1.1', 'Host: test'), { saw: { url: '///a//b' } }),
  bad('a byte above 127 in the target', request('GET /\xe0 HTTP/1.1', 'Host: test')),
  bad('a byte above 127 in the method', request('GET\xdf / HTTP/1.1', 'Host: test')),
  bad('a NUL in the method', request('GET\0X / HTTP/1.1', 'Host: test')),
  bad('a version with many digits', request(`GET / HTTP/${'1'.repeat(60)}.1`, 'Host: test')),
  bad('a scheme without a host', request('GET http:// HTTP/1.1', 'Host: test')),
  bad('no target', request('GET HTTP/1.1', 'Host: test')),
  bad('an empty target', request('GET  HTTP/1.1', 'Host: test')),
  bad('no version', request('GET /', 'Host: test')),
  // RFC 9112, section 3, leaves it to the server; the parser takes it.
  ok('two spaces before the version', request('GET /  HTTP/1.1', 'Host: test')),
  bad('a space behind the version', request('GET / HTTP/1.1 ', 'Host: test')),
  bad('a tab for a space', request('GET\t/ HTTP/1.1', 'Host: test')),
  bad('a space before the method', request(' GET / HTTP/1.1', 'Host: test')),
  bad('a space in the target', request('GET /a b HTTP/1.1', 'Host: test')),
  bad('a control character in the target', request('GET /a\x01b HTTP/1.1', 'Host: test')),
  bad('a NUL in the target', request('GET /a\0b HTTP/1.1', 'Host: test')),
  bad('a DEL in the target', request('GET /a\x7fb HTTP/1.1', 'Host: test')),
  bad('a method in lower case', request('get / HTTP/1.1', 'Host: test')),
  bad('an unknown method', request('HELLO / HTTP/1.1', 'Host: test')),
  bad('a method with a colon', request('GE:T / HTTP/1.1', 'Host: test')),
  bad('a method of two letters', request('GE / HTTP/1.1', 'Host: test')),
  bad('no method', request('/ HTTP/1.1', 'Host: test')),
  ...['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND', 'SEARCH'].map(method =>
    ok(`the method ${method}`, request(`${method} / HTTP/1.1`, 'Host: test', 'Content-Length: 0')),
  ),
  ok('HEAD, which gets no body', request('HEAD / HTTP/1.1', 'Host: test')),
  bad('HTTP/2.0 in words', request('GET / HTTP/2.0', 'Host: test'), 505),
  bad('HTTP/0.9 in words', request('GET / HTTP/0.9', 'Host: test')),
  bad('HTTP/1.2', request('GET / HTTP/1.2', 'Host: test')),
  bad('HTTP/3.0', request('GET / HTTP/3.0', 'Host: test')),
  bad('HTTP/1.10', request('GET / HTTP/1.10', 'Host: test')),
  bad('HTTP/11', request('GET / HTTP/11', 'Host: test')),
  bad('http/1.1', request('GET / http/1.1', 'Host: test')),
  bad('HTTPS/1.1', request('GET / HTTPS/1.1', 'Host: test')),
  bad('HTTP/+1.1', request('GET / HTTP/+1.1', 'Host: test')),
  bad('what is not HTTP', 'nonsense\r\n\r\n'),
  bad('TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'),
  bad('a line that ends with LF alone', 'GET / HTTP/1.1\nHost: test\n\n'),
  bad('a line that ends with CR alone', 'GET / HTTP/1.1\rHost: test\r\r'),
  bad('a CR in the target', request('GET /a\rb HTTP/1.1', 'Host: test')),
  ok('the longest line', request(`GET ${longUrl(16_384)} HTTP/1.1`, 'Host: test')),
  bad('a line that is too long by one', request(`GET ${longUrl(16_385)} HTTP/1.1`, 'Host: test'), 414),
  bad('a line that is far too long', request(`GET ${longUrl(60_000)} HTTP/1.1`, 'Host: test'), 414),
]

const fields: readonly Case[] = [
  bad('no Host', request('GET / HTTP/1.1')),
  ok('no Host in HTTP/1.0', request('GET / HTTP/1.0'), { closes: true }),
  ok('an empty Host', request('GET / HTTP/1.1', 'Host:')),
  ok('a Host with a port', request('GET / HTTP/1.1', 'Host: test:8000')),
  ok('a Host that is an address', request('GET / HTTP/1.1', 'Host: 192.0.2.1')),
  ok('a Host of IPv6', request('GET / HTTP/1.1', 'Host: [2001:db8::1]:8000')),
  bad('two Hosts', get('Host: other')),
  bad('the same Host twice', get('Host: test')),
  bad('two Hosts in different letters', get('hOST: other')),
  bad('a Host with a path', request('GET / HTTP/1.1', 'Host: test/path')),
  bad('a Host with a user', request('GET / HTTP/1.1', 'Host: user@test')),
  bad('a Host with a space', request('GET / HTTP/1.1', 'Host: test other')),
  bad('a Host with a comma and a space', request('GET / HTTP/1.1', 'Host: test, other')),
  bad('a Host with a port in letters', request('GET / HTTP/1.1', 'Host: test:http')),
  bad('a Host with an open bracket', request('GET / HTTP/1.1', 'Host: [::1')),
  bad('two Content-Types', get('Content-Type: text/plain', 'Content-Type: text/html')),
  ok('a field twice', get('X-A: 1', 'X-A: 2'), { saw: { headers: { 'x-a': '1, 2' } } }),
  ok('a field without a value', get('X-A:'), { saw: { headers: { 'x-a': '' } } }),
  ok('spaces and tabs around a value', get('X-A: \t value \t '), { saw: { headers: { 'x-a': 'value' } } }),
  ok('no space before a value', get('X-A:value'), { saw: { headers: { 'x-a': 'value' } } }),
  ok('bytes above 127 in a value', get('X-A: \xe9'), { saw: { headers: { 'x-a': '\xe9' } } }),
  ok('all characters of a token in a name', get("X!#$%&'*+-.^`|~9: 1")),
  bad('a space before the colon', get('X-A : 1')),
  bad('a tab before the colon', get('X-A\t: 1')),
  bad('a space before the name', get(' X-A: 1')),
  bad('a first field that is folded', 'GET / HTTP/1.1\r\n X-A: 1\r\nHost: test\r\n\r\n'),
  bad('a folded field', get('X-A: 1', ' 2')),
  bad('a field folded with a tab', get('X-A: 1', '\t2')),
  bad('a field without a colon', get('X-A')),
  bad('a field without a name', get(': 1')),
  bad('a name with a space', get('X A: 1')),
  bad('a name with a parenthesis', get('X(A): 1')),
  bad('a name with a slash', get('X/A: 1')),
  bad('a name with a control character', get('X\x01A: 1')),
  bad('a name with a byte above 127', get('X\xe9: 1')),
  bad('a NUL in a value', get('X-A: a\0b')),
  bad('a CR in a value', get('X-A: a\rb')),
  bad('an LF in a value', get('X-A: a\nX-B: b')),
  bad('a control character in a value', get('X-A: a\x07b')),
  bad('a DEL in a value', get('X-A: a\x7fb')),
  ok('as many fields as there may be', get(...many(999))),
  bad('one field too many', get(...many(1_000)), 431),
  bad('far too many fields', get(...many(3_000)), 431),
  ok('the longest field', get(`X-A: ${'a'.repeat(16_384 - 'X-A: \r\n'.length)}`)),
  bad('a field that is too long by one', get(`X-A: ${'a'.repeat(16_385 - 'X-A: \r\n'.length)}`), 431),
  bad('a field that is far too long', get(`X-A: ${'a'.repeat(70_000)}`), 431),
  ok('an underscore, which is dropped', get('X_A: 1', 'X-B: 2'), {
    saw: { headers: { x_a: undefined, 'x-b': '2' } },
  }),
  ok('an underscore that a trusted proxy may send', get('SCRIPT_NAME: /app'), {
    saw: { headers: { script_name: '/app' } },
  }),
  bad('fields about the scheme that contradict', get('X-Forwarded-Proto: https', 'X-Forwarded-Ssl: off')),
  ok('an unknown expectation in HTTP/1.0', request('GET / HTTP/1.0', 'Expect: wonders'), { closes: true }),
  bad('an unknown expectation', get('Expect: wonders'), 417),
  bad('an unknown expectation beside the known one', get('Expect: 100-continue, wonders'), 417),
  bad('an expectation that contains the known one', get('Expect: x-100-continue=5'), 417),
  ok('a field about the scheme twice', get('X-Forwarded-Proto: https', 'X-Forwarded-Proto: https')),
  bad(
    'a field about the scheme twice, in contradiction',
    get('X-Forwarded-Proto: https', 'X-Forwarded-Proto: http'),
  ),
]

const bodies: readonly Case[] = [
  ok('a body with a length', post('Content-Length: 5', 'hello'), { saw: { body: 'hello' } }),
  ok('a length with zeros before it', post('Content-Length: 005', 'hello'), { saw: { body: 'hello' } }),
  ok('a length of 0', post('Content-Length: 0', ''), { saw: { body: '' } }),
  ok('neither length nor coding', request('POST / HTTP/1.1', 'Host: test'), { saw: { body: '' } }),
  ok('a body of GET', `GET / HTTP/1.1\r\n${host}Content-Length: 5\r\n\r\nhello`, { saw: { body: 'hello' } }),
  bad('a length with a sign', post('Content-Length: +5', 'hello')),
  bad('a negative length', post('Content-Length: -5', 'hello')),
  bad('a length in hexadecimal', post('Content-Length: 0x5', 'hello')),
  bad('a length with an underscore', post('Content-Length: 0_5', 'hello')),
  bad('a length with a space in it', post('Content-Length: 1 5', 'hello')),
  bad('a list of lengths', post('Content-Length: 5, 5', 'hello')),
  bad('an empty length', post('Content-Length:', 'hello')),
  bad('a length that is no number', post('Content-Length: five', 'hello')),
  bad('a length beyond all bounds', post('Content-Length: 99999999999999999999', 'hello')),
  bad('a length of minus zero', post('Content-Length: -0', '')),
  bad('two lengths', post('Content-Length: 5\r\nContent-Length: 6', 'hello')),
  bad('the same length twice', post('Content-Length: 5\r\nContent-Length: 5', 'hello')),
  bad('a length and a coding', chunked('5\r\nhello\r\n0\r\n\r\n', 'Content-Length: 5')),
  bad('a coding after a length', post('Content-Length: 5\r\nTransfer-Encoding: chunked', '0\r\n\r\n')),
  ok('a chunked body', chunked('5\r\nhello\r\n0\r\n\r\n'), { saw: { body: 'hello' } }),
  ok('several chunks', chunked('5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n'), { saw: { body: 'hello!' } }),
  ok('an empty chunked body', chunked('0\r\n\r\n'), { saw: { body: '' } }),
  ok('a size in capitals', chunked('A\r\n0123456789\r\n0\r\n\r\n'), { saw: { body: '0123456789' } }),
  ok('a size with zeros before it', chunked('0005\r\nhello\r\n0\r\n\r\n'), { saw: { body: 'hello' } }),
  ok('an extension of a chunk', chunked('5;a=b\r\nhello\r\n0\r\n\r\n'), { saw: { body: 'hello' } }),
  ok('a quoted extension', chunked('5;a="b"\r\nhello\r\n0\r\n\r\n'), { saw: { body: 'hello' } }),
  ok(
    'trailers that only describe',
    chunked('5\r\nhello\r\n0\r\nVary: *\r\nContent-Type: text/plain\r\n\r\n'),
    {
      saw: { body: 'hello' },
    },
  ),
  ok('a trailer', chunked('5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n'), { saw: { body: 'hello' } }),
  ok('the coding in capitals', post('Transfer-Encoding: CHUNKED', '0\r\n\r\n')),
  ok('identity before chunked', post('Transfer-Encoding: identity, chunked', '0\r\n\r\n')),
  ok('gzip and chunked in two fields', chunked('0\r\n\r\n').replace('Tr', 'Transfer-Encoding: gzip\r\nTr')),
  // Gunicorn reads the length; the parser refuses a length beside any coding.
  bad('identity and a length', post('Transfer-Encoding: identity\r\nContent-Length: 5', 'hello')),
  bad('identity alone', post('Transfer-Encoding: identity', 'hello')),
  ok('gzip before chunked', post('Transfer-Encoding: gzip, chunked', '0\r\n\r\n')),
  bad('an unknown coding before chunked', post('Transfer-Encoding: rot13, chunked', '0\r\n\r\n'), 501),
  bad('an unknown coding', post('Transfer-Encoding: rot13', '0\r\n\r\n')),
  bad('a coding that begins like chunked', post('Transfer-Encoding: chunkedfoo', '0\r\n\r\n')),
  bad('a coding with a vertical tab', post('Transfer-Encoding: \x0bchunked', '0\r\n\r\n')),
  bad('an empty coding', post('Transfer-Encoding:', '0\r\n\r\n')),
  bad('chunked twice', post('Transfer-Encoding: chunked, chunked', '0\r\n\r\n')),
  bad('chunked in two fields', chunked('0\r\n\r\n', 'Transfer-Encoding: chunked')),
  bad('chunked before another coding', post('Transfer-Encoding: chunked, gzip', '0\r\n\r\n')),
  bad('identity after chunked', chunked('0\r\n\r\n', 'Transfer-Encoding: identity')),
  bad('chunked in HTTP/1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
]

/** The application has begun by then, and waits for the body. */
const cutBodies: readonly Case[] = [
  ['a size that is no number', 'five\r\nhello\r\n0\r\n\r\n'],
  ['a negative size', '-5\r\nhello\r\n0\r\n\r\n'],
  ['a size with a sign', '+5\r\nhello\r\n0\r\n\r\n'],
  ['a size with 0x', '0x5\r\nhello\r\n0\r\n\r\n'],
  ['an empty size', '\r\nhello\r\n0\r\n\r\n'],
  ['a size with a space before it', ' 5\r\nhello\r\n0\r\n\r\n'],
  ['a size with a space behind it', '5 \r\nhello\r\n0\r\n\r\n'],
  ['a size with an underscore', '6_0\r\nhello\r\n0\r\n\r\n'],
  ['a last size with a space behind it', '5\r\nhello\r\n0 \r\n\r\n'],
  ['an extension without a size', ' ;a=b\r\nhello\r\n0\r\n\r\n'],
  ['a CR in an extension', '5;a=b\rc\r\nhello\r\n0\r\n\r\n'],
  // RFC 9112, section 7.1.1, has the recipient read over such spaces; the parser does not.
  ['a space in an extension', '5; a=b\r\nhello\r\n0\r\n\r\n'],
  ['a size beyond all bounds', 'fffffffffffffffff\r\nhello\r\n0\r\n\r\n'],
  ['a size that ends with LF alone', '5\nhello\r\n0\r\n\r\n'],
  ['an LF in an extension', '5;a\nb\r\nhello\r\n0\r\n\r\n'],
  ['a chunk that is longer than it says', '5\r\nhello!\r\n0\r\n\r\n'],
  ['a chunk that ends with LF alone', '5\r\nhello\n0\r\n\r\n'],
  ['a chunk without a line end', '5\r\nhello0\r\n\r\n'],
  ['a trailer without a colon', '0\r\nnonsense\r\n\r\n'],
  ['a trailer with a space before the colon', '0\r\nX-A : 1\r\n\r\n'],
  ['a Content-Length in the trailer', '0\r\nContent-Length: 5\r\n\r\n'],
  ['a Host in the trailer', '0\r\nHost: other\r\n\r\n'],
  ['a Transfer-Encoding in the trailer', '0\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['a TE in the trailer', '0\r\nTE: trailers\r\n\r\n'],
  ['a Trailer in the trailer', '0\r\nTrailer: X\r\n\r\n'],
  ['an Authorization in the trailer', '0\r\nAuthorization: Basic x\r\n\r\n'],
]
  .map(([what, body]) => ({ ...bad(what as string, chunked(body as string)), ran: 1 }))
  .concat(
    [
      ['more fields in a trailer than there may be', `0\r\n${many(1_001).join('\r\n')}\r\n\r\n`],
      ['a field of a trailer that is too long', `0\r\nX: ${'a'.repeat(16_384)}\r\n\r\n`],
    ].map(([what, body]) => ({ ...bad(what as string, chunked(body as string), 431), ran: 1 })),
  )

const connections: readonly Case[] = [
  ok('two requests in one piece', get() + get(), { statuses: [200, 200], ran: 2 }),
  ok('a request behind a body', post('Content-Length: 5', 'hello') + get(), { statuses: [200, 200], ran: 2 }),
  ok('a request behind a chunked body', chunked('0\r\n\r\n') + get(), { statuses: [200, 200], ran: 2 }),
  ok('a request that asks to close', get('Connection: close'), { closes: true }),
  ok('what follows a request that asks to close', get('Connection: close') + get(), { closes: true }),
  ok('close among others', get('Connection: foo, close'), { closes: true }),
  ok('a request of HTTP/1.0', request('GET / HTTP/1.0', 'Host: test'), { closes: true }),
  // Node keeps such a connection only where the application says how long its answer is.
  ok('HTTP/1.0 with keep-alive', request('GET / HTTP/1.0', 'Host: test', 'Connection: keep-alive'), {
    closes: true,
  }),
  ok('an empty line before a request', `\r\n${get()}`),
  ok('an empty line between requests', `${get()}\r\n${get()}`, { statuses: [200, 200], ran: 2 }),
  {
    ...ok('a malformed request behind a good one', `${get()}GET * HTTP/1.1\r\n${host}\r\n`),
    statuses: [200, 400],
    closes: true,
  },
  {
    ...ok('what is not HTTP behind a good one', `${get()}nonsense\r\n\r\n`),
    statuses: [200, 400],
    closes: true,
  },
  bad('a good request behind a refused one', `GET * HTTP/1.1\r\n${host}\r\n${get()}`),
  bad(
    'a good request behind one with a long line',
    request(`GET ${longUrl(20_000)} HTTP/1.1`, 'Host: test') + get(),
    414,
  ),
  bad('a good request behind what is not HTTP', `nonsense\r\n\r\n${get()}`),
  bad(
    'a request hidden in a refused body',
    post('Transfer-Encoding: rot13, chunked', `0\r\n\r\n${get()}`),
    501,
  ),
  bad('CONNECT', request('CONNECT test:443 HTTP/1.1', 'Host: test:443'), 501),
]

export const corpus: Readonly<Record<string, readonly Case[]>> = {
  'request lines': requestLines,
  'header fields': fields,
  bodies,
  'bodies that turn out to be malformed': cutBodies,
  connections,
}
