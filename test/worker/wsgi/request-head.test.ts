/** What Python is told of a request. */
import type { IncomingMessage } from 'node:http'
import { expect } from 'chai'
import { createRequestHead } from '../../../worker/wsgi/request-head.ts'

const rules = {
  limit_request_line: 0,
  limit_request_fields: 0,
  limit_request_field_size: 0,
  limit_request_body: 0,
  header_map: 'drop',
  forwarder_headers: ['SCRIPT_NAME', 'PATH_INFO'],
  forwarded_allow_ips: ['127.0.0.1'],
  secure_scheme_headers: {},
  root_path: '/root',
} as const

interface Sent {
  readonly url?: string
  readonly raw?: readonly string[]
  readonly remoteAddress?: string
  readonly localAddress?: string
  readonly length?: number
}

function headOf({
  url = '/',
  raw = [],
  remoteAddress = '192.0.2.1',
  localAddress = '10.0.0.1',
  length,
}: Sent) {
  const headers = Object.fromEntries(
    raw.flatMap((name, n) => (n % 2 === 0 ? [[name.toLowerCase(), raw[n + 1]]] : [])),
  )
  const socket = { remoteAddress, remotePort: 5, localAddress: localAddress || undefined, localPort: 80 }
  const req = { method: 'GET', url, httpVersion: '1.1', rawHeaders: raw, headers, socket }
  const parts = createRequestHead(rules)(req as unknown as IncomingMessage, length).split('\0')
  const [, , , address, port, scheme, server, serverPort, path, script, ...fields] = parts
  return { address, port, scheme, server, serverPort, path, script, fields }
}

describe('the head of a request for Python', () => {
  it('has the path of every form of target', () => {
    for (const [url, path] of [
      ['/a?b', '/a?b'],
      ['//a', '//a'],
      ['/a?b#c', '/a?b'],
      ['http://a/b?c', '/b?c'],
      ['HTTP://a:80', '/'],
      ['http://a?x', '/?x'],
      ['*', '*'],
    ])
      expect(headOf({ url: url as string }).path).to.equal(path)
  })

  it('leaves out what would pass for something else', () => {
    const raw = ['Proxy', 'http://evil', ':authority', 'a', 'Transfer-Encoding', 'chunked', 'Accept', 'b']
    expect(headOf({ raw, length: 3 }).fields).to.deep.equal(['Accept', 'b', 'Content-Length', '3'])
    expect(headOf({ raw }).fields).to.deep.equal(['Transfer-Encoding', 'chunked', 'Accept', 'b'])
    expect(headOf({ raw: ['Content-Length', '3'], length: 3 }).fields).to.deep.equal(['Content-Length', '3'])
  })

  it('takes SCRIPT_NAME from trusted proxies alone', () => {
    const raw = ['SCRIPT_NAME', '/other/']
    expect(headOf({ raw })).to.deep.include({ script: '/root', fields: [] })
    expect(headOf({ raw, remoteAddress: '127.0.0.1' })).to.deep.include({ script: '/other', fields: [] })
  })

  it('names a server for a unix socket, too', () => {
    const names = (host: string) => {
      const { server, serverPort } = headOf({ localAddress: '', raw: ['Host', host] })
      return `${server} ${serverPort}`
    }
    expect(names('shop.example')).to.equal('shop.example 80')
    expect(names('[::1]:81')).to.equal('[::1] 81')
    expect(names('')).to.equal('localhost 80')
  })
})
