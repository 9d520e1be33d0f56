/** The bundles that the package ships. */
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const dist = fileURLToPath(new URL('../../dist', import.meta.url))

describe('the bundles', () => {
  it('are in ASCII: for one other character, V8 keeps two bytes of each', () => {
    const names = globSync('*.js', { cwd: dist })
    expect(names).to.include('daemon-main.js')
    const others = names.filter(name => /[^\0-\x7f]/.test(readFileSync(`${dist}/${name}`, 'utf8')))
    expect(others).to.deep.equal([])
  })
})
