/** Whether a program can be run, as a shell would find it. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { whyNoProgram } from '../../../daemon/system/find-program.ts'

describe('a program', () => {
  let folder: string

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tsicorn-find-'))
    for (const name of ['first', 'second']) mkdirSync(join(folder, name))
    writeFileSync(join(folder, 'first/plain'), '')
    writeFileSync(join(folder, 'second/tool'), '')
    chmodSync(join(folder, 'second/tool'), 0o755)
    mkdirSync(join(folder, 'first/tool'))
  })
  after(() => rmSync(folder, { recursive: true }))

  const cases: readonly [name: string, path: string, why: RegExp | undefined][] = [
    ['tool', 'first:second', undefined],
    ['./second/tool', '', undefined],
    ['second/tool', 'first', undefined],
    ['tool', 'first', /first\/tool is a folder: name a file$/],
    [
      'plain',
      'second:first',
      /cannot be run: permission denied: make it executable \(chmod \+x .*first\/plain\)$/,
    ],
    [
      'other',
      'first:second',
      /^The program "other" is not in PATH \(first:second\): correct its name, install it, or give its path$/,
    ],
    ['./other', 'second', /^The program ".\/other" cannot be run: it does not exist: correct its path$/],
  ]
  for (const [name, path, why] of cases) {
    it(`${name} in PATH=${path} ${why === undefined ? 'is found' : 'is not'}`, () => {
      const found = whyNoProgram(name, folder, path)
      if (why === undefined) expect(found).to.equal(undefined)
      else expect(found).to.match(why)
    })
  }

  it('is looked for in the usual folders without a PATH', () => {
    expect(whyNoProgram('sh', '/')).to.equal(undefined)
  })
})
