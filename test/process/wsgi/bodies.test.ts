/** Bodies of requests on their way to WSGI applications. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import { exchange, first, open } from '../../support/http/raw.ts'
import { describeWithPython, shareModule } from '../../support/python/launch.ts'
import { fresh } from '../../support/requests.ts'

describeWithPython('the body of a request for a WSGI application', () => {
  const shared = shareModule('odd', ['--threads', '2'])

  async function post(path: string, body: string | Uint8Array): Promise<string> {
    const response = await fetch(`${shared.url}${path}`, {
      method: 'POST',
      body,
      headers: { connection: 'close' },
    })
    return await response.text()
  }

  async function begin(path: string, ...fields: string[]): Promise<Socket> {
    const socket = await open(shared.url)
    socket.write(`${[`POST ${path} HTTP/1.1`, 'Host: a', ...fields].join('\r\n')}\r\n\r\n`)
    return socket
  }

  it('is read in lines and pieces, and past its end', async () => {
    const body = 'one\ntwo\nthree\nfour'
    const lines = String.raw`[b'one\n', b'two', [b'\n'], [b'three\n', b'four'], b'', b'']`
    expect(await post('/lines', body)).to.equal(lines)
    expect(await post('/lines', '')).to.equal(`[b'', b'', [], [], b'', b'']`)
    const large = await post('/lines', `one\n${'y'.repeat(200_000)}`)
    expect(large.length).to.be.greaterThan(200_000)
  })

  it('has a length where it is chunked and small, and ends by itself where it is large', async () => {
    const chunked = (...chunks: string[]) =>
      [...chunks, ''].map(chunk => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')
    const head = 'POST /count HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n'
    expect(await exchange(shared.url, head + chunked('abc', 'de'))).to.match(/\r\n\r\n5 5 None$/)
    const piece = 'x'.repeat(40_000)
    expect(await exchange(shared.url, head + chunked(piece, piece, piece))).to.match(
      /\r\n\r\n120000 None chunked$/,
    )
    expect(await post('/count', 'x'.repeat(64))).to.equal('64 64 None')
    expect(await post('/count', 'x'.repeat(5_000_000))).to.equal('5000000 5000000 None')
  })

  it('is asked for only when the app reads it', async () => {
    const waiting = await begin('/count', 'Content-Length: 3', 'Expect: 100-continue', 'Connection: close')
    expect(await first(waiting)).to.equal('HTTP/1.1 100 Continue\r\n\r\n')
    waiting.write('abc')
    expect(await first(waiting)).to.match(/\r\n\r\n3 3 None$/)
    const unread = await begin('/unread', 'Content-Length: 3', 'Expect: 100-continue')
    expect(await first(unread)).to.match(/^HTTP\/1\.1 413 Too Large/)
    for (const socket of [waiting, unread]) socket.destroy()
  })

  it('may stay unread, and the connection serves the next request', async () => {
    const socket = await begin('/unread', 'Content-Length: 300000')
    expect(await first(socket)).to.match(/413 Too Large/)
    socket.write('x'.repeat(300_000))
    socket.write('GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    expect(await first(socket)).to.match(/200 OK/)
    socket.destroy()
    // What has arrived of a chunked one was read, and the rest is not asked for.
    const chunk = `11170\r\n${'x'.repeat(70_000)}\r\n`
    const chunked = await begin('/unread', 'Transfer-Encoding: chunked')
    chunked.write(chunk)
    expect(await first(chunked)).to.match(/413 Too Large/)
    chunked.write(`${chunk}0\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n`)
    expect(await first(chunked)).to.match(/200 OK/)
    chunked.destroy()
  })

  it('may be answered while it arrives', async () => {
    const socket = await begin('/echo', 'Content-Length: 200000', 'Connection: close')
    socket.write('a'.repeat(100_000))
    let all = ''
    socket.on('data', data => {
      all += data
    })
    await once(socket, 'data')
    socket.write('b'.repeat(100_000))
    await once(socket, 'end')
    expect(all.replaceAll(/[^ab]/g, '').length).to.be.within(200_000, 200_100)
    socket.destroy()
  })

  it('keeps no thread while it is stalled and small, or nobody has asked for it', async () => {
    const stalled = await Promise.all(
      Array.from({ length: 6 }, async () => await begin('/count', 'Content-Length: 50000')),
    )
    for (const socket of stalled) socket.write('x')
    expect(await fresh(`${shared.url}/hello`)).to.equal('hello')
    for (const socket of stalled) socket.destroy()
  })

  it('raises OSError in the app where the client leaves before its end, at any time', async () => {
    for (let n = 0; n < 5; n += 1) {
      const socket = await begin('/reads', 'Content-Length: 100000')
      if (n % 2 === 0) socket.write('x'.repeat(70_000))
      if (n < 2) await new Promise(resolve => setTimeout(resolve, 50))
      socket.destroy()
    }
    // Threads that waited for ever would not answer any more.
    const answers = await Promise.all(
      Array.from({ length: 4 }, async () => await fresh(`${shared.url}/hello`)),
    )
    expect(answers).to.deep.equal(['hello', 'hello', 'hello', 'hello'])
    await shared.server.says(/the body: the client left before its request was complete/)
  })
})
