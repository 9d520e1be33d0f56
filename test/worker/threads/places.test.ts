/** What each thread gets of its worker. */
import { closeSync, fstatSync, openSync } from 'node:fs'
import { expect } from 'chai'
import type { InheritedListener, Start } from '../../../worker/protocol/messages.ts'
import { Sockets, threadStart, variablesOf } from '../../../worker/threads/places.ts'

function listener(fd: number, spare: number): InheritedListener {
  return { fd, spare, reuse_port: fd === -1, of_app: false, late: false, name: `listener ${fd}` }
}

/** As the arbiter sends it, as far as it matters. */
const start = {
  index: 2,
  listeners: [listener(5, 8), listener(-1, -1), listener(6, 9), listener(7, 10)],
  settings: { worker_connections: 8, max_requests: 100, max_worker_rss: 1, max_worker_lifetime: 1 },
} as unknown as Start

describe('the threads of a worker', () => {
  it('have descriptors of their own, twice for each socket', () => {
    const threads = [0, 1, 2].map(index => threadStart(start, index, 3).listeners)
    const all = threads.flatMap(own => own.flatMap(({ fd, spare }) => (fd === -1 ? [] : [fd, spare])))
    expect(all.sort((one, other) => one - other)).to.deep.equal(Array.from({ length: 18 }, (_, at) => at + 5))
    expect(threads[0]).to.deep.equal(start.listeners)
    expect(threads[1]?.map(({ fd, spare }) => [fd, spare])).to.deep.equal([
      [11, 14],
      [-1, -1],
      [12, 15],
      [13, 16],
    ])
  })

  it('share the connections of their worker, and leave its limits to the main thread', () => {
    const settings = [0, 1, 2].map(index => threadStart(start, index, 3).settings)
    expect(settings.map(one => one.worker_connections)).to.deep.equal([3, 3, 2])
    for (const one of settings)
      expect(one).to.include({ max_requests: 0, max_worker_rss: 0, max_worker_lifetime: 0 })
  })

  it('have numbers among all instances of the app', () => {
    expect(variablesOf(start, 1, 3)).to.deep.equal({
      TSICORN_WORKER_INDEX: '7',
      NODE_APP_INSTANCE: '7',
      TSICORN_THREAD_INDEX: '1',
    })
  })

  it('leave descriptors, of which only those of the sockets are closed', () => {
    const socket = openSync('/dev/null', 'r')
    const again = openSync('/dev/null', 'r')
    const reused = openSync(import.meta.filename, 'r')
    const sockets = new Sockets([listener(socket, again)])
    sockets.close([listener(again, reused), listener(-1, 99_999)])
    expect(() => fstatSync(again)).to.throw('EBADF')
    for (const kept of [socket, reused]) {
      fstatSync(kept)
      closeSync(kept)
    }
  })
})
