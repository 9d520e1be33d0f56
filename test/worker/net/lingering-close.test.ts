/** A lingering close waits for the client, whoever closes the connection again. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import { linger } from '../../../worker/net/lingering-close.ts'

async function pair(): Promise<[Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { readonly port: number }
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const [socket] = (await once(server, 'connection')) as [Socket]
  server.close()
  return [socket, client]
}

describe('a lingering close', () => {
  it('is not hurried by another one', async () => {
    const [socket, client] = await pair()
    linger(socket)
    socket.write('answer')
    socket.destroySoon()
    await once(client.resume(), 'end')
    await turn()
    socket.destroySoon()
    await turn()
    expect(socket.destroyed).to.equal(false)
    client.end()
    await once(socket, 'close')
  })
})
