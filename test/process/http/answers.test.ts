/** Whatever an app writes, no answer has a body too many, or a header that splits it in two. */
import { expect } from 'chai'
import { first, open, rest, statuses } from '../../support/http/raw.ts'
import { launch } from '../../support/tsicorn.ts'

/** Writes a body whatever the request and the status are. */
const app = `
export default (req, res) => {
  if (req.url === '/split') res.setHeader('X-A', 'a\\r\\nX-B: b')
  if (req.url === '/name') res.setHeader('X A', 'a')
  const status = Number(req.url.slice(1)) || 200
  res.writeHead(status, status === 200 ? { 'Content-Length': 4 } : {}).end('body')
}`

describe('an answer', () => {
  it('has a body where there may be one, and a head that is one', async () => {
    const server = launch({
      args: ['-b', '127.0.0.1:0', '-w', '1', './app.mjs'],
      files: { 'app.mjs': app },
      errors: true,
    })
    const socket = await open(await server.running())
    const ask = async (line: string, last = false) => {
      socket.write(`${line} HTTP/1.1\r\nHost: test\r\n${last ? 'Connection: close\r\n' : ''}\r\n`)
      return last ? await rest(socket) : await first(socket)
    }
    // All on one connection: a body too many would be taken for the next answer.
    for (const line of ['HEAD /', 'GET /204', 'GET /304']) {
      const answer = await ask(line)
      expect(statuses(answer), line).to.have.length(1)
      expect(answer, line).to.match(/\r\n\r\n$/)
    }
    expect(await ask('HEAD /')).to.match(/^content-length: 4\r$/im)
    expect(await ask('GET /204')).not.to.match(/^(content-length|transfer-encoding):/im)
    for (const path of ['/split', '/name']) {
      const answer = await ask(`GET ${path}`)
      expect(statuses(answer), path).to.deep.equal([500])
      expect(answer).not.to.contain('X-B')
    }
    const answer = await ask('GET /', true)
    expect(answer)
      .to.match(/^HTTP\/1\.1 200 OK\r\n/)
      .and.to.match(/\r\n\r\nbody$/)
    expect(answer)
      .to.match(/^date: .* GMT\r$/im)
      .and.not.to.match(/^server:/im)
    expect(server.log).not.to.contain('exited')
  })
})
