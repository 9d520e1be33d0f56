/** A changed configuration is read again, in whatever module system it and its imports are written. */
import { expect } from 'chai'
import { resolved } from '../resolve/resolving.ts'
import { folderWith, removeFolders, write } from './folder.ts'

const number = (value: number) => `export const number = ${value}`
const required = (value: number) => `module.exports = { number: ${value} }`

/** A configuration, a file that it imports, and two versions of that. */
const graphs: Record<
  string,
  { config: [string, string]; imported: [string, (value: number) => string]; type?: string }
> = {
  'TypeScript that TypeScript imports': {
    config: [
      'tsicorn.config.ts',
      `import { number } from './part.ts'\nexport default { app: 'a', timeout: number }`,
    ],
    imported: ['part.ts', number],
    type: 'module',
  },
  'TypeScript of CommonJS': {
    config: [
      'tsicorn.config.ts',
      `import { number } from './part'\nexport default { app: 'a', timeout: number }`,
    ],
    imported: ['part.ts', number],
  },
  'CommonJS that TypeScript imports': {
    config: [
      'tsicorn.config.ts',
      `import part from './part.cjs'\nexport default { app: 'a', timeout: part.number }`,
    ],
    imported: ['part.cjs', required],
    type: 'module',
  },
  'a module that JavaScript imports': {
    config: [
      'tsicorn.config.mjs',
      `import { number } from './part.mjs'\nexport default { app: 'a', timeout: number }`,
    ],
    imported: ['part.mjs', number],
  },
  'CommonJS that a module imports by name': {
    config: [
      'tsicorn.config.mjs',
      `import { number } from './part.cjs'\nexport default { app: 'a', timeout: number }`,
    ],
    imported: ['part.cjs', required],
  },
  'CommonJS that CommonJS requires': {
    config: ['tsicorn.config.cjs', `module.exports = { app: 'a', timeout: require('./part.cjs').number }`],
    imported: ['part.cjs', required],
  },
  'CommonJS that hands on what other CommonJS exports': {
    config: [
      'tsicorn.config.mjs',
      `import { number } from './between.cjs'\nexport default { app: 'a', timeout: number }`,
    ],
    imported: ['part.cjs', required],
  },
  'JSON that a module imports': {
    config: [
      'tsicorn.config.mjs',
      `import part from './part.json' with { type: 'json' }\nexport default { app: 'a', timeout: part }`,
    ],
    imported: ['part.json', String],
  },
  'the file itself': {
    config: ['other.mjs', ''],
    imported: ['tsicorn.config.mjs', value => `export default { app: 'a', timeout: ${value} }`],
  },
}

describe('a reload of the configuration', () => {
  afterEach(removeFolders)

  for (const [name, { config, imported, type = 'commonjs' }] of Object.entries(graphs)) {
    it(`sees a change in ${name}, each time`, async () => {
      const [file, text] = imported
      const cwd = folderWith({
        'package.json': JSON.stringify({ type }),
        'between.cjs': `module.exports = require('./part.cjs')`,
        [config[0]]: config[1],
      })
      const seen: number[] = []
      for (const value of [1, 20, 300, 4]) {
        write(cwd, file, text(value))
        seen.push((await resolved({ cwd })).settings.timeout)
      }
      expect(seen).to.deep.equal([1, 20, 300, 4])
    })
  }

  for (const ending of ['ts', 'mjs', 'cjs']) {
    it(`imports a file in .${ending} once while nothing has changed`, async () => {
      const exported = ending === 'cjs' ? 'module.exports =' : 'export default'
      const cwd = folderWith({
        'package.json': '{ "type": "module" }',
        [`tsicorn.config.${ending}`]: `globalThis.imported = (globalThis.imported ?? 0) + 1\n${exported} { app: 'a', timeout: globalThis.imported }`,
      })
      const first = (await resolved({ cwd })).settings.timeout
      expect((await resolved({ cwd })).settings.timeout).to.equal(first)
    })
  }

  it('calls a configuration that is a function each time', async () => {
    const cwd = folderWith({
      'tsicorn.config.mjs': `export default ({ env }) => ({ app: 'a', timeout: Number(env.T) })`,
    })
    expect((await resolved({ cwd, env: { T: '1' } })).settings.timeout).to.equal(1)
    expect((await resolved({ cwd, env: { T: '2' } })).settings.timeout).to.equal(2)
  })

  it('works again once a file that threw is mended', async () => {
    const cwd = folderWith({
      'tsicorn.config.mjs': `import './part.mjs'\nexport default { app: 'a' }`,
      'part.mjs': 'throw 1',
    })
    const failed = await resolved({ cwd }).then(
      () => false,
      () => true,
    )
    write(cwd, 'part.mjs', 'export {}')
    expect([failed, (await resolved({ cwd })).settings.app]).to.deep.equal([true, 'a'])
  })
})
