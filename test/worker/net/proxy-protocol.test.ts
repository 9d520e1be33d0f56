/** PROXY headers of both versions as bytes: read, malformed, incomplete or absent. */
import { expect } from 'chai'
import { readProxyHeader } from '../../../worker/net/proxy-protocol.ts'

const both = ['v1', 'v2'] as const
const v1 = 'PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\n'
const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

/** A header of version 2: command, family and protocol, and what follows them. */
function v2(command: number, family: number, rest: Buffer): Buffer {
  const head = Buffer.from([command, family, rest.length >> 8, rest.length & 0xff])
  return Buffer.concat([signature, head, rest])
}

function addresses(source: Buffer, port: number): Buffer {
  const ports = Buffer.alloc(4)
  ports.writeUInt16BE(port, 0)
  ports.writeUInt16BE(80, 2)
  return Buffer.concat([source, Buffer.alloc(source.length), ports])
}

const ipv4 = addresses(Buffer.from([192, 0, 2, 7]), 4711)
const ipv6 = addresses(Buffer.from('20010db8000000000000000000000007', 'hex'), 4711)

describe('a PROXY header', () => {
  describe('of version 1', () => {
    const headers: readonly (readonly [text: string, source: object | undefined])[] = [
      [v1, { address: '192.0.2.7', port: 4711 }],
      ['PROXY TCP6 2001:db8::7 2001:db8::1 1 80\r\n', { address: '2001:db8::7', port: 1 }],
      ['PROXY TCP4 192.0.2.7 198.51.100.1 0 65535\r\n', { address: '192.0.2.7', port: 0 }],
      ['PROXY UNKNOWN\r\n', undefined],
      ['PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n', undefined],
    ]
    for (const [text, source] of headers) {
      it(`is read from ${JSON.stringify(text)}, and nothing behind it`, () => {
        const length = text.length
        const expected = { kind: 'header', length, ...(source === undefined ? {} : { source }) }
        expect(readProxyHeader(Buffer.from(`${text}GET / HTTP/1.1\r\n`), both)).to.deep.equal(expected)
      })
    }

    const malformed = [
      'PROXY\x20\r\n',
      'PROXY TCP4 192.0.2 198.51.100.1 4711 80\r\n',
      'PROXY TCP4 2001:db8::7 2001:db8::1 4711 80\r\n',
      'PROXY TCP4 192.0.2.7 198.51.100.1 65536 80\r\n',
      'PROXY TCP4 192.0.2.7 198.51.100.1 04711 80\r\n',
      'PROXY TCP4 192.0.2.7 198.51.100.1 4711\r\n',
      'PROXY TCP4 192.0.2.7 198.51.100.1 4711 80 1\r\n',
      'PROXY UDP4 192.0.2.7 198.51.100.1 4711 80\r\n',
      `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`,
      `PROXY TCP4 ${'1'.repeat(96)}`,
    ]
    for (const text of malformed) {
      it(`is malformed: ${JSON.stringify(text.slice(0, 50))}`, () => {
        expect(readProxyHeader(Buffer.from(text), both)).to.deep.equal({ kind: 'malformed' })
      })
    }

    it('may have 107 bytes', () => {
      const text = `PROXY UNKNOWN ${'x'.repeat(91)}\r\n`
      expect(readProxyHeader(Buffer.from(text), both)).to.deep.equal({ kind: 'header', length: 107 })
    })

    it('is incomplete at each of its bytes but the last', () => {
      for (let length = 0; length < v1.length; length += 1) {
        expect(readProxyHeader(Buffer.from(v1.slice(0, length)), both), `${length}`).to.deep.equal({
          kind: 'incomplete',
        })
      }
    })
  })

  describe('of version 2', () => {
    const headers: readonly (readonly [what: string, bytes: Buffer, source: object | undefined])[] = [
      ['an IPv4 client', v2(0x21, 0x11, ipv4), { address: '192.0.2.7', port: 4711 }],
      ['an IPv6 client', v2(0x21, 0x21, ipv6), { address: '2001:db8::7', port: 4711 }],
      [
        'extensions',
        v2(0x21, 0x11, Buffer.concat([ipv4, Buffer.alloc(9)])),
        { address: '192.0.2.7', port: 4711 },
      ],
      ['LOCAL', v2(0x20, 0x11, ipv4), undefined],
      ['UNSPEC', v2(0x21, 0x00, Buffer.alloc(0)), undefined],
      ['a unix socket', v2(0x21, 0x31, Buffer.alloc(216)), undefined],
    ]
    for (const [what, bytes, source] of headers) {
      it(`is read with ${what}, and nothing behind it`, () => {
        const expected = { kind: 'header', length: bytes.length, ...(source === undefined ? {} : { source }) }
        expect(readProxyHeader(Buffer.concat([bytes, Buffer.from('GET')]), both)).to.deep.equal(expected)
      })
    }

    const malformed: readonly (readonly [what: string, bytes: Buffer])[] = [
      ['another version', v2(0x11, 0x11, ipv4)],
      ['an unknown command', v2(0x22, 0x11, ipv4)],
      ['UDP', v2(0x21, 0x12, ipv4)],
      ['addresses that are too short', v2(0x21, 0x11, ipv4.subarray(1))],
      ['addresses of the other family', v2(0x21, 0x21, ipv4)],
    ]
    for (const [what, bytes] of malformed) {
      it(`is malformed with ${what}`, () => {
        expect(readProxyHeader(bytes, both)).to.deep.equal({ kind: 'malformed' })
      })
    }

    it('is incomplete at each of its bytes but the last', () => {
      const whole = v2(0x21, 0x11, ipv4)
      for (let length = 1; length < whole.length; length += 1) {
        expect(readProxyHeader(whole.subarray(0, length), both), `${length}`).to.deep.equal({
          kind: 'incomplete',
        })
      }
    })
  })

  it('is absent from a request', () => {
    expect(readProxyHeader(Buffer.from('GET / HTTP/1.1\r\n'), both)).to.deep.equal({ kind: 'absent' })
    expect(readProxyHeader(Buffer.from('PUT'), both)).to.deep.equal({ kind: 'absent' })
  })

  it('of the other version is absent', () => {
    expect(readProxyHeader(Buffer.from(v1), ['v2'])).to.deep.equal({ kind: 'absent' })
    expect(readProxyHeader(v2(0x21, 0x11, ipv4), ['v1'])).to.deep.equal({ kind: 'absent' })
  })
})
