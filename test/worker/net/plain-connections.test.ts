/** What counts as served where an app speaks no HTTP. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { expect } from 'chai'
import { markPlain } from '../../../worker/connection/connection-state.ts'
import { Connections } from '../../../worker/connection/connections.ts'
import { recordFields, type ScoreRecord, servedBy } from '../../../worker/protocol/scoreboard.ts'

describe('a connection of a plain server', () => {
  for (const [name, answer, served] of [
    ['counts as served when it got an answer', 'hello', 1],
    ['does not count when it got none', '', 0],
  ] as const) {
    it(name, async () => {
      const connections = new Connections({ keepAlive: true })
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      const client = connect((server.address() as { port: number }).port, '127.0.0.1')
      const [socket] = (await once(server, 'connection')) as [Socket]
      markPlain(connections.add(socket))
      socket.end(answer)
      client.resume()
      await once(socket, 'close')
      server.close()
      const record = Object.fromEntries(recordFields.map((field, at) => [field, connections.record[at]]))
      expect(servedBy(record as unknown as ScoreRecord)).to.equal(served)
    })
  }
})
