/**
 * In which order a session of HTTP/2 and its socket are destroyed, as the other one makes some versions of Node abort;
 * which streams are.
 */
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import { deferDestroy, destroyForgotten, destroyWithSocket } from '../../../worker/connection/goaway.ts'

/** What is destroyed, in order, with which error and code. */
function pair({ isTls, destroyed = false }: { readonly isTls: boolean; readonly destroyed?: boolean }) {
  const order: unknown[][] = []
  const session = {
    destroy: (error?: Error | null, code?: number) => void order.push(['session', error, code]),
  }
  const socket = {
    ...(isTls ? { encrypted: true } : {}),
    destroyed,
    destroy: (error?: Error) => void order.push(['socket', error]),
  }
  return {
    order,
    session: { ...session, socket } as unknown as ServerHttp2Session,
    socket: socket as unknown as Socket,
  }
}

const turn = () => new Promise(resolve => setImmediate(resolve))

describe('a session of HTTP/2', () => {
  it('is destroyed before its TLS socket, as if the client had canceled its streams', () => {
    const { order, session, socket } = pair({ isTls: true })
    destroyWithSocket(session, socket)
    expect(socket.destroy()).to.equal(socket)
    expect(order).to.deep.equal([
      ['session', null, 8],
      ['socket', undefined],
    ])
  })

  it('hears of an error of its TLS socket from Node', () => {
    const { order, session, socket } = pair({ isTls: true })
    destroyWithSocket(session, socket)
    const error = new Error('reset')
    socket.destroy(error)
    expect(order).to.deep.equal([['socket', error]])
  })

  it('is left to Node without TLS', () => {
    const { order, session, socket } = pair({ isTls: false })
    destroyWithSocket(session, socket)
    socket.destroy()
    expect(order).to.deep.equal([['socket', undefined]])
  })

  it('is destroyed a turn after it failed', async () => {
    const { order, session, socket } = pair({ isTls: true })
    deferDestroy(session, socket)
    const error = new Error('goodbye')
    session.destroy(error, 2)
    expect(order).to.deep.equal([])
    await turn()
    expect(order).to.deep.equal([['session', error, 2]])
  })

  it('is destroyed at once when its socket is', () => {
    const { order, session, socket } = pair({ isTls: true, destroyed: true })
    deferDestroy(session, socket)
    const error = new Error('reset')
    session.destroy(error)
    expect(order).to.deep.equal([['session', error, undefined]])
  })
})

describe('a stream of HTTP/2 that Node forgets', () => {
  /** How often it is destroyed by two checks. */
  function destroyedOf(
    fields: { readonly closed: boolean; readonly readable: boolean },
    writeQueueSize?: number,
  ): number {
    let destroyed = 0
    const destroy = () => {
      destroyed += 1
    }
    const stream = { ...fields, destroy } as unknown as ServerHttp2Stream
    const socket = { _handle: { writeQueueSize } } as unknown as Socket
    destroyForgotten([[socket, { streams: new Set([stream]) }]])
    expect(destroyed).to.equal(0)
    destroyForgotten([[socket, { streams: new Set([stream]) }]])
    return destroyed
  }

  it('is destroyed by the second check', () => {
    expect(destroyedOf({ closed: true, readable: false }, 0)).to.equal(1)
  })

  it('is kept while it is open, its body is read, or its answer is on its way', () => {
    expect(destroyedOf({ closed: false, readable: false }, 0)).to.equal(0)
    expect(destroyedOf({ closed: true, readable: true }, 0)).to.equal(0)
    expect(destroyedOf({ closed: true, readable: false }, 100)).to.equal(0)
    expect(destroyedOf({ closed: true, readable: false })).to.equal(0)
  })
})
