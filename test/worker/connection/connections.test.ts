/** Connections of HTTP/2 that are closed when their sessions have ended: a client that is slow gets its last answer. */
import { once } from 'node:events'
import { createSecureServer, createServer, type Http2Server } from 'node:http2'
import { type AddressInfo, connect as connectPlain, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { connect as connectSecure } from 'node:tls'
import { expect } from 'chai'
import { Connections } from '../../../worker/connection/connections.ts'
import { Authority } from '../../support/certificates.ts'
import { frame, framesOf, get, preface, types, u32, whole } from '../../support/http/frames.ts'
import { eventually } from '../../support/tsicorn.ts'

const bodyLength = 16_384
const request = Buffer.concat([preface, frame(types.settings, 0, 0), frame(types.headers, whole, 1, get)])
const moreIsWelcome = frame(types.window, 0, 0, u32(bodyLength))

interface Kind {
  readonly serve: () => Http2Server
  readonly open: (port: number) => Socket
  readonly opened: 'connect' | 'secureConnect'
}

const authority = new Authority()

const secure: Kind = {
  serve: () => createSecureServer(authority.sign('localhost')) as unknown as Http2Server,
  open(port) {
    const options = { port, host: '127.0.0.1', ca: authority.cert, servername: 'localhost' }
    return connectSecure({ ...options, ALPNProtocols: ['h2'] })
  },
  opened: 'secureConnect',
}

const plain: Kind = {
  serve: () => createServer(),
  open: port => connectPlain({ port, host: '127.0.0.1', allowHalfOpen: true }),
  opened: 'connect',
}

describe('a connection whose session has ended', () => {
  after(() => authority.remove())

  for (const [name, kind] of Object.entries({ 'HTTP/2': plain, 'HTTP/2 over TLS': secure })) {
    it(`stays until its client has read its answer, by ${name}`, async () => {
      const connections = new Connections({ keepAlive: true })
      const server = kind.serve().listen(0, '127.0.0.1')
      server.prependListener('connection', socket => connections.add(socket))
      server.prependListener('secureConnection', socket => connections.addSecure(socket))
      server.on('session', session => connections.addSession(session))
      const [begun, asked] = [once(server, 'session'), once(server, 'request')]
      await once(server, 'listening')
      const client = kind.open((server.address() as AddressInfo).port)
      const errors: Error[] = []
      client.on('error', error => errors.push(error)).pause()
      await once(client, kind.opened)
      client.write(request)
      const [session] = await begun
      const [req, res] = await asked
      connections.trackRequest(req, res)
      res.end(Buffer.alloc(bodyLength))
      connections.close()
      await eventually('the session has ended', () => session.destroyed)
      for (let sweeps = 0; sweeps < 3; sweeps += 1) {
        await turn()
        connections.closeIdle(Number.POSITIVE_INFINITY)
      }
      // After a reset, the first one succeeds, and the second one does not.
      for (let frames = 0; frames < 3; frames += 1) {
        await new Promise(sent => client.write(moreIsWelcome, sent))
        await turn()
      }
      let received = 0
      for await (const { type, payload } of framesOf(client))
        if (type === types.data) received += payload.length
      expect(errors).to.deep.equal([])
      expect(received).to.equal(bodyLength)
      client.end()
      server.close()
      await once(server, 'close')
      await eventually('nothing is left of it', () => connections.size === 0)
    })
  }
})
