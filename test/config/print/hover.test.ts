/** Who points at a setting in an editor reads what it means, and its default. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { folderWith, removeFolders } from '../load/folder.ts'
import { hover } from './language-server.ts'

const index = fileURLToPath(new URL('../../../config/index.ts', import.meta.url))
const types = fileURLToPath(new URL('../../../node_modules/@types', import.meta.url))
const tsconfig = {
  compilerOptions: {
    module: 'nodenext',
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    typeRoots: [types],
    types: ['node'],
  },
}

describe('an editor', () => {
  afterEach(removeFolders)

  it('shows the documentation of a setting in defineConfig', async () => {
    const text = `import { defineConfig } from ${JSON.stringify(index)}\nexport default defineConfig({ timeout: 3 })\n`
    const folder = folderWith({ 'tsconfig.json': JSON.stringify(tsconfig), 'tsicorn.config.ts': text })
    const shown = await hover(folder, join(folder, 'tsicorn.config.ts'), text, { line: 1, character: 32 })
    expect(shown).to.match(
      /timeout\?: number.*Seconds that the event loop of a worker may stand still.*Default: 30/,
    )
  })
})
