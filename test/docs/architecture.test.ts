/** The map of the code names files and rooms that exist, and leaves out no room. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { rooms } from '../../scripts/layer-table.ts'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8')
const spans = new Set(Array.from(page.matchAll(/`([^`\n]+)`/g), ([, code]) => code as string))
const folders = readdirSync(root, { withFileTypes: true }).filter(entry => entry.isDirectory())

describe('docs/architecture.md', () => {
  it('names files and folders that exist, by their paths from the root', () => {
    const paths = [...spans].filter(isPath)
    expect(paths).to.include.members(['daemon/tsicorn.js', 'worker/worker.ts', 'daemon/state'])
    expect(paths.filter(path => !existsSync(join(root, path)))).to.deep.equal([])
  })

  it('has a line for every room of the layer table, and for no other', () => {
    const lines = Array.from(page.matchAll(/^\| `([^`]+)` \|/gm), ([, room]) => room as string)
    expect(lines).to.have.members([...rooms.keys()])
  })
})

/** Something in a folder of this repository, or anything with the ending of a source file. */
function isPath(code: string): boolean {
  if (/^[\w./-]+\.(?:ts|js|md)$/.test(code)) return true
  return folders.some(({ name }) => code.startsWith(`${name}/`))
}
