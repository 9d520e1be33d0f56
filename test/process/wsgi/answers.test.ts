/** What WSGI applications answer, well or badly, and what their clients get of it. */
import { once } from 'node:events'
import { expect } from 'chai'
import { exchange, open } from '../../support/http/raw.ts'
import { describeWithPython, shareModule } from '../../support/python/launch.ts'
import { fresh } from '../../support/requests.ts'

describeWithPython('the answer of a WSGI application', () => {
  const shared = shareModule('odd')

  /** All that comes, with the connection's end. */
  async function get(path: string, method = 'GET', version = '1.1'): Promise<string> {
    const head = `${method} ${path} HTTP/${version}\r\nHost: a\r\nConnection: close\r\n\r\n`
    return await exchange(shared.url, head)
  }

  async function failsWith(path: string, why: RegExp): Promise<void> {
    expect(await get(path)).to.match(
      /^HTTP\/1\.1 500 Internal Server Error\r\n[\s\S]*\r\n\r\nInternal Server Error\n$/,
    )
    await shared.server.says(why)
  }

  it('has a length where there is one piece, and is chunked where there are several', async () => {
    expect(await get('/hello')).to.match(/\r\nContent-Length: 5\r\n[\s\S]*\r\n\r\nhello$/)
    // Node 26 makes one chunk of those that come together.
    expect(await get('/generated')).to.match(
      /Transfer-Encoding: chunked\r\n\r\n(?:8\r\nchunk 0\n\r\n8\r\n|10\r\nchunk 0\n)chunk 2\n\r\n0\r\n\r\n$/,
    )
    expect(await get('/generated', 'GET', '1.0')).to.match(/\r\n\r\nchunk 0\nchunk 2\n$/)
    expect(await fresh(`${shared.url}/written`)).to.equal('abc')
    expect(await fresh(`${shared.url}/file`)).to.match(/^"""What WSGI applications do/)
  })

  it('has no body for HEAD, 204 and 304, whatever the app gives, and keeps its connection', async () => {
    const requests = ['HEAD /sized', 'HEAD /endless', 'GET /no_content', 'GET /not_modified']
    const heads = requests.map(line => `${line} HTTP/1.1\r\nHost: a\r\n\r\n`)
    const socket = await open(shared.url)
    const answers: string[] = []
    for (const head of heads) {
      socket.write(head)
      const [data] = await once(socket, 'data')
      answers.push(String(data))
    }
    socket.destroy()
    for (const answer of answers) expect(answer).to.match(/^HTTP\/1\.1 \d{3}[\s\S]*\r\n\r\n$/)
    expect(answers[0]).to.contain('\r\nContent-Length: 5\r\n')
    expect(answers[2])
      .to.match(/^HTTP\/1\.1 204 /)
      .and.not.to.contain('Content-Length')
    expect(answers[3]).to.contain('\r\nContent-Length: 5\r\n')
    await shared.server.says(/closed the endless one/)
  })

  it('is cut at its Content-Length, and cut off where it is shorter', async () => {
    expect(await get('/long')).to.match(/\r\nContent-Length: 3\r\n[\s\S]*\r\n\r\nabc$/)
    const socket = await open(shared.url)
    socket.write('GET /short HTTP/1.1\r\nHost: a\r\n\r\n')
    let all = ''
    socket.on('data', data => {
      all += data
    })
    await once(socket, 'end')
    expect(all).to.match(/\r\nContent-Length: 10\r\n[\s\S]*\r\n\r\nabc$/)
    await shared.server.says(/\[ERROR\] GET \/short failed: the app promised a longer body/)
  })

  it('loses hop-by-hop fields, and keeps several cookies and latin-1', async () => {
    const answer = await get('/hop')
    expect(answer).to.contain('\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Latin: caf\xe9\r\n')
    expect(answer).not.to.match(/Upgrade|Keep-Alive: x|chunked/)
  })

  it('may be thought better of with exc_info until it is begun', async () => {
    const answer = await get('/better')
    expect(answer).to.match(/^HTTP\/1\.1 503 Later\r\nX-A: second\r\n[\s\S]*thought better of it$/)
    expect(await get('/too_late')).to.match(/\r\n\r\n4\r\nsent\r\n$/)
    await shared.server.says(/GET \/too_late failed: Traceback[\s\S]*ValueError: too late/)
  })

  it('is 500 where the app raises, and its whole traceback is in the log once', async () => {
    await failsWith(
      '/raises',
      /\[ERROR\] GET \/raises failed: Traceback \(most recent call last\):\n {2}File "[^"]*odd\.py", line \d+, in application\n[\s\S]*?ValueError: before\n/,
    )
    expect(shared.server.log.match(/ValueError: before/g)).to.have.length(1)
    await failsWith('/exits', /GET \/exits failed: Traceback[\s\S]*SystemExit: an exit in a thread/)
    expect(await fresh(`${shared.url}/hello`)).to.equal('hello')
  })

  it('is cut after what there was of it where a generator raises midway', async () => {
    expect(await get('/raises_late')).to.match(/Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n$/)
    await shared.server.says(/GET \/raises_late failed: Traceback[\s\S]*ValueError: late/)
    expect(await get('/raises_in_close')).to.match(/\r\n\r\nwhole$/)
    await shared.server.says(/failed after its answer: Traceback[\s\S]*ValueError: in close/)
  })

  it('is 500 for every misuse of start_response, with the reason in the log', async () => {
    await failsWith('/never_started', /AssertionError: the application did not call start_response/)
    await failsWith('/twice', /AssertionError: start_response was called twice, without exc_info/)
    await failsWith('/sized_twice', /ValueError: there is another Content-Length: '3'/)
    await failsWith('/nothing', /TypeError: 'NoneType' object is not iterable/)
    await failsWith('/text', /TypeError: the application has to give bytes, not str/)
    await failsWith('/number', /TypeError: the status has to be str, not int/)
    for (const status of ['', 'OK', '20', '2000', '100+Continue', '101+Switching', '200OK', '200%20a%0d%0ab'])
      await failsWith(`/status?${status}`, /ValueError: the status is malformed/)
    for (const [name, value] of [
      ['X', 'a\r\nY: b'],
      ['X', 'a\0b'],
      ['X\0Y', 'a'],
      ['X', 'a\nb'],
      ['X', 'a\u0100b'],
      ['X Y', 'a'],
      ['', 'a'],
      ['X:', 'a'],
      ['Content-Length', '-1'],
      ['Content-Length', 'many'],
      ['Content-Length', '\u0663'],
    ])
      await failsWith(`/header?${encodeURIComponent(JSON.stringify([name, value]))}`, /ValueError: /)
    for (const pair of [
      ['X', 1],
      [1, 'a'],
      ['X', null],
    ])
      await failsWith(
        `/header?${encodeURIComponent(JSON.stringify(pair))}`,
        /TypeError: the (name|value) of a header/,
      )
    expect(await get('/status?404+')).to.match(/^HTTP\/1\.1 404 \r\n/)
    expect(await get('/status?299')).to.match(/^HTTP\/1\.1 299 /)
  })

  it('is closed when its client leaves', async () => {
    for (const path of ['/endless', '/ticking']) {
      const socket = await open(shared.url)
      socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
      await once(socket, 'data')
      socket.destroy()
      await shared.server.says(new RegExp(`closed the ${path.slice(1)} one`))
    }
  })

  it('comes whole to clients that read slowly, who keep no thread for long', async () => {
    const sockets = await Promise.all(Array.from({ length: 6 }, async () => await open(shared.url)))
    for (const socket of sockets) {
      socket.pause()
      socket.write('GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    }
    const sizes = sockets.map(async socket => {
      let size = 0
      socket.on('data', data => {
        size += data.length
      })
      socket.resume()
      await once(socket, 'end')
      socket.destroy()
      return size
    })
    for (const size of await Promise.all(sizes)) expect(size).to.be.greaterThan(5_000_000)
  })

  it('may be announced by early hints', async () => {
    expect(await get('/hints')).to.match(
      /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/style\.css>; rel=preload; as=style\r\n\r\nHTTP\/1\.1 200 OK\r\n[\s\S]*hinted$/,
    )
    expect(await get('/hints', 'GET', '1.0')).to.match(/^HTTP\/1\.\d 200 OK\r\n/)
  })

  it('may come from a process that forks, or starts others, which get nothing of the host', async () => {
    expect(await fresh(`${shared.url}/forks`)).to.equal('forked 15')
    expect(await fresh(`${shared.url}/hello`)).to.equal('hello')
    // Sockets of the host that they have, and signals that they ignore.
    expect(await fresh(`${shared.url}/descriptors`)).to.equal('[0, 0]')
  })
})
