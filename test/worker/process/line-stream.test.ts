/** A receiver of logs that does not read costs lines and not memory, and it is said how many are lost. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect } from 'chai'
import { LineStream } from '../../../worker/sinks/line-stream.ts'

describe('lines to a receiver', () => {
  it('that does not read are lost in the end, which is said, and how many when it reads again', async () => {
    const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const said: string[] = []
    const { promise: works, resolve } = Promise.withResolvers<void>()
    const stream = new LineStream(
      { port: (server.address() as AddressInfo).port, host: '127.0.0.1' },
      {
        name: 'the receiver',
        onTrouble(message) {
          said.push(message)
          if (message.includes('works again')) resolve()
        },
      },
    )
    const [socket] = (await once(server, 'connection')) as [Socket]
    await stream.attempted()
    const line = 'x'.repeat(1_000)
    // Far more than the kernel's buffers and the million that may wait.
    while (said.length === 0) for (let n = 0; n < 1_000; n += 1) stream.send(line)
    expect(said).to.deep.equal([
      'Cannot send to the receiver as fast as lines come: what does not fit into memory is lost',
    ])
    socket.resume()
    await works
    expect(said[1]).to.match(/^Sending to the receiver works again: [1-9]\d* lines were lost$/)
    socket.destroy()
    await stream.close()
    server.close()
  })
})
