/** The checker of the standard library, `wsgiref.validate`, finds nothing wrong with requests and answers of any kind. */
import { once } from 'node:events'
import { expect } from 'chai'
import { exchange, open } from '../../support/http/raw.ts'
import { describeWithPython, launchModule } from '../../support/python/launch.ts'

const chunked = (...chunks: string[]) =>
  [...chunks, ''].map(chunk => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')

/** An answer without the framing of its chunks. */
function whole(answer: string): string {
  const start = answer.indexOf('\r\n\r\n') + 4
  if (!answer.slice(0, start).includes('Transfer-Encoding: chunked')) return answer
  let text = answer.slice(0, start)
  for (let at = start; at < answer.length; ) {
    const size = Number.parseInt(answer.slice(at, at + 8), 16)
    const from = answer.indexOf('\r\n', at) + 2
    text += answer.slice(from, from + size)
    at = from + size + 2
  }
  return text
}

describeWithPython('wsgiref.validate', () => {
  // The log has no errors, as each test checks: the checker raises in the app.
  it('has nothing against GET, HEAD, POST, chunked, streamed and aborted requests', async () => {
    const server = launchModule('checked', ['--threads', '2', '--root-path', '/shop'])
    const url = await server.running()
    const ask = async (method: string, path: string, body = '', ...fields: string[]) => {
      const head = [`${method} ${path} HTTP/1.1`, 'Host: a', 'Connection: close', ...fields].join('\r\n')
      return whole(await exchange(url, `${head}\r\n\r\n`, body))
    }
    const sized = (body: string) => `Content-Length: ${body.length}`
    const large = 'x'.repeat(200_000)
    expect(await ask('GET', '/?a=b')).to.match(/\r\n\r\nGET 0$/)
    expect(await ask('GET', '/shop')).to.match(/\r\n\r\nGET 0$/)
    expect(await ask('HEAD', '/')).to.match(/^HTTP\/1\.1 200 OK[\s\S]*X-Method: HEAD[\s\S]*\r\n\r\n$/)
    expect(await ask('HEAD', '/stream')).to.match(/^HTTP\/1\.1 200 OK[\s\S]*\r\n\r\n$/)
    expect(await ask('DELETE', '/empty')).to.match(/^HTTP\/1\.1 204 /)
    expect(await ask('POST', '/', 'abc', sized('abc'))).to.match(/\r\n\r\nPOST 3$/)
    expect(await ask('POST', '/', large, sized(large))).to.match(/\r\n\r\nPOST 200000$/)
    expect(await ask('PUT', '/write', 'abc', sized('abc'))).to.match(/written [\s\S]*PUT 3/)
    for (const body of ['one\ntwo\nthree\nfour', `one\ntwo${'\nx'.repeat(50_000)}`]) {
      const rest = body.slice(7)
      expect(await ask('POST', '/line', body, sized(body))).to.contain(`\r\n\r\none\n|two|${rest}|`)
      expect(await ask('POST', '/each', body, sized(body))).to.contain(body.replaceAll('\n', '\n|'))
    }
    for (const chunks of [['abc', 'd'], [large], []])
      expect(await ask('POST', '/', chunked(...chunks), 'Transfer-Encoding: chunked')).to.contain(
        `\r\n\r\nPOST ${chunks.join('').length}`,
      )
    const streamed = await ask('GET', '/stream')
    expect(streamed.match(/GET 0/g)).to.have.length(200)
    const aborted = await open(url)
    aborted.write('GET /stream HTTP/1.1\r\nHost: a\r\n\r\n')
    await once(aborted, 'data')
    aborted.destroy()
    await server.says(
      /streams ended: (\d) of \1\n[\s\S]*streams ended: (\d) of \2\n[\s\S]*streams ended: (\d) of \3/,
    )
  })
})
