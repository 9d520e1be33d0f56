/** A search for orphans on an address ends nobody where it is free again, or where some other program has it. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect } from 'chai'
import { evict } from '../../../daemon/sockets/orphans.ts'
import { freePort } from '../../support/tsicorn.ts'

describe('who holds an address', () => {
  const search = (port: number, messages: string[] = []) =>
    evict({ kind: 'tcp', host: '127.0.0.1', port }, 'the address', {
      user: undefined,
      report: (_, message) => messages.push(message),
      signal: AbortSignal.timeout(10_000),
    })

  it('and has left since it could not be bound, is not in the way any more', async () => {
    expect(await search(await freePort())).to.equal(true)
  })

  it('and is no worker without an arbiter, is left alone', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const messages: string[] = []
    const { port } = server.address() as { port: number }
    expect(await search(port, messages)).to.equal(false)
    expect(messages).to.deep.equal([])
    server.close()
  })
})
