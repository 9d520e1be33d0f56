/** The folder of a fork server's socket is made where there is room for it, and leaves nothing behind. */
import { existsSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect } from 'chai'
import { makeSocketFolder } from '../../../daemon/forks/socket-folder.ts'

describe('the folder of a socket', () => {
  it('is made elsewhere where none can be made, though root may write there', () => {
    const folder = makeSocketFolder('/proc', undefined)
    const inner = dirname(folder.socket)
    expect(inner).not.to.match(/^\/proc/)
    expect(readdirSync(inner)).to.deep.equal([])
    folder.remove()
    expect(existsSync(dirname(inner))).to.equal(false)
  })

  it('stays where it cannot be removed, which fails nothing', () => {
    const folder = makeSocketFolder(null, undefined)
    const inner = dirname(folder.socket)
    rmdirSync(inner)
    writeFileSync(inner, '')
    try {
      expect(() => folder.remove()).not.to.throw()
    } finally {
      rmSync(dirname(inner), { recursive: true })
    }
  })
})
