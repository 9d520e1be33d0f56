/** Errors of the system are told in words, from whichever of Node's functions they come. */
import { mkdtempSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { systemMessage } from '../../worker/protocol/system-error.ts'

describe('an error of the system', () => {
  const thrown = (errno: unknown) =>
    Object.assign(new Error('EACCES: rm'), { errno }) as NodeJS.ErrnoException

  it('is put into words, whatever the sign of its number', () => {
    expect(systemMessage(thrown(-13))).to.equal('permission denied')
    expect(systemMessage(thrown(13))).to.equal('permission denied')
  })

  it('that is none has its own words', () => {
    for (const errno of [undefined, 0, 1.5, Number.NaN])
      expect(systemMessage(thrown(errno))).to.equal('EACCES: rm')
    expect(systemMessage(thrown(-99_999))).to.match(/unknown/i)
  })

  it('is understood as this Node makes it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tsicorn-error-'))
    for (const fail of [() => rmdirSync(join(folder, 'none')), () => rmSync(join(folder, 'none'))]) {
      let message = ''
      try {
        fail()
      } catch (error) {
        message = systemMessage(error as Error)
      }
      expect(message).to.equal('no such file or directory')
    }
    rmdirSync(folder)
  })
})
