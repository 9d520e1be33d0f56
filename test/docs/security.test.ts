/** The promises of `docs/security.md` name the tests that hold them. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/security.md'), 'utf8')

describe('docs/security.md', () => {
  it('names tests that exist', () => {
    const named = Array.from(page.matchAll(/`(test\/[^`]+)`/g), ([, path]) => path as string)
    expect(named).not.to.have.length(0)
    expect(named.filter(path => !existsSync(join(root, path)))).to.deep.equal([])
  })

  it('names a test for every promise', () => {
    const promises = page.split('\n').filter(line => /^\| (?!promise |group |---|`)/.test(line))
    expect(promises.filter(line => !line.includes('`test/'))).to.deep.equal([])
  })
})
