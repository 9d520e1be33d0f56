/** Which names and pages the status page is for. */
import { expect } from 'chai'
import { isOwnHost, isOwnPage } from '../../../daemon/admin/same-origin.ts'

const address = { kind: 'tcp', host: 'status.example.com', port: 9464 } as const

describe('the status page', () => {
  it('is served under addresses, private names, and the name that it is bound to', () => {
    const own = [
      ...['127.0.0.1', '10.1.2.3:9464', '[::1]:9464', 'localhost:9464', 'LOCALHOST', 'shop.localhost'],
      ...['tsicorn:9464', 'shop.default.svc.cluster.local', 'node1.internal', 'status.example.com:9464'],
    ]
    expect(own.filter(host => !isOwnHost(host, address))).to.deep.equal([])
    const foreign = [
      ...['evil.example', 'localhost.evil.example:9464', '127.0.0.1.nip.io', 'example.com', '', undefined],
      ...['localhost@evil.example', '[evil]', 'evil.example#.local', 'a b.local', '127.0.0.1:x'],
    ]
    expect(foreign.filter(host => isOwnHost(host, address))).to.deep.equal([])
  })

  it('obeys no page of another server', () => {
    const host = '10.0.0.5:9464'
    const own = [
      { host },
      { host, 'sec-fetch-site': 'same-origin', origin: 'https://behind-a-proxy.example' },
      { host, origin: `http://${host}` },
      { host, origin: `https://${host}` },
    ]
    expect(own.filter(headers => !isOwnPage({ headers }))).to.deep.equal([])
    const foreign = [
      ...['cross-site', 'same-site', 'none'].map(site => ({ host, 'sec-fetch-site': site })),
      ...['null', 'http://evil.example', 'http://10.0.0.5:8000'].map(origin => ({ host, origin })),
    ]
    expect(foreign.filter(headers => isOwnPage({ headers }))).to.deep.equal([])
  })
})
