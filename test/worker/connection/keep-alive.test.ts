/** The last response of a connection says so, whatever the app writes about it, and the connection ends. */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { expect } from 'chai'
import { Connections } from '../../../worker/connection/connections.ts'
import { first, rest } from '../../support/http/raw.ts'
import { eventually } from '../../support/tsicorn.ts'

const get = 'GET / HTTP/1.1\r\nHost: test\r\n\r\n'
const fields = { connection: 'Keep-Alive', 'x-own': 'yes' }

const ways: Readonly<Record<string, (res: ServerResponse) => void>> = {
  'a header': res => void res.setHeader('Connection', 'keep-alive').setHeader('X-Own', 'yes'),
  'an object': res => void res.writeHead(200, fields),
  'an object after a reason': res => void res.writeHead(200, 'Fine', fields),
  'a list': res => void res.writeHead(200, Object.entries(fields).flat()),
  pairs: res => void res.writeHead(200, Object.entries(fields) as never),
}

/** What a client gets for a request whose worker is told to leave before it answers. */
async function answerOf(write: (res: ServerResponse) => void): Promise<string> {
  const connections = new Connections({ keepAlive: true })
  const server = createServer((req, res) => {
    connections.trackRequest(req, res)
    connections.close()
    write(res)
    res.end('hello')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(get)
  const answer = await rest(socket)
  server.close()
  return answer
}

describe('a connection whose last response came before the body of its request', () => {
  it('is closed when nothing of that comes any more', async () => {
    const connections = new Connections({ keepAlive: false })
    const server = createServer((req, res) => {
      connections.trackRequest(req, res)
      res.end('hello')
    }).listen(0, '127.0.0.1')
    server.on('connection', socket => connections.add(socket))
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    socket.write('POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n0123456789')
    expect(await first(socket)).to.match(/hello/)
    expect(connections.size).to.equal(1)
    await eventually('it is closed', () => connections.size === 0)
    socket.destroy()
    server.close()
  })
})

describe('the last response of a connection', () => {
  for (const [name, write] of Object.entries(ways))
    it(`says so where the app keeps the connection by ${name}`, async () => {
      const answer = await answerOf(write)
      expect(answer).to.match(/^HTTP\/1\.1 200 /)
      expect(answer).to.match(/^connection: close\r$/im)
      expect(answer).to.match(/^x-own: yes\r$/im)
      expect(answer).not.to.match(/keep-alive/i)
      expect(answer).to.match(/hello/)
    })

  it('leaves other words about the connection as they are', async () => {
    const answer = await answerOf(res => void res.writeHead(200, { Connection: 'close, X-Own' }))
    expect(answer).to.match(/^Connection: close, X-Own\r$/m)
  })
})
