/** Buffers for large answers are used again, and never while somebody reads them. */
import { closeSync, writeSync } from 'node:fs'
import { expect } from 'chai'
import { openStore, readStored } from '../../../worker/python/store.ts'

describe('the file for large answers', () => {
  it('is read into a buffer that nobody needs any more', function () {
    const store = openStore()
    if (store === undefined) return this.skip()
    store.hide()
    after(() => closeSync(store.fd))
    writeSync(store.fd, 'first', 0)
    writeSync(store.fd, 'second', 1_048_576)
    const first = readStored(store.fd, 0, 5)
    const second = readStored(store.fd, 1_048_576, 6)
    expect([String(first.bytes), String(second.bytes)]).to.deep.equal(['first', 'second'])
    first.release()
    const third = readStored(store.fd, 1_048_576, 6)
    expect(third.bytes.buffer).to.equal(first.bytes.buffer)
    expect([String(second.bytes), String(third.bytes)]).to.deep.equal(['second', 'second'])
  })
})
