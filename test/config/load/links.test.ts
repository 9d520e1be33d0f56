/** Configurations behind symbolic links: when a link is switched, all that they are made of is read again. */
import { renameSync, rmSync, symlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { expect } from 'chai'
import { resolved } from '../resolve/resolving.ts'
import { folderWith, removeFolders, write } from './folder.ts'

type Files = Readonly<Record<string, string>>

const manifest = (type: string) => ({ 'package.json': JSON.stringify({ type }) })

/** Configurations that say with all that they are made of which version that is. */
const versions: Record<string, { readonly config: string; readonly files: (number: number) => Files }> = {
  'a module with neighbours': {
    config: 'tsicorn.config.mjs',
    files: number => ({
      'tsicorn.config.mjs': `
        import { createRequire } from 'node:module'
        import a from './a.mjs'
        import b from './lib/b.json' with { type: 'json' }
        import { c } from './c.cjs'
        const d = createRequire(import.meta.url)('./lib/d')
        export default { app: 'a', proc_name: [${number}, a, b, c, d].join() }`,
      'a.mjs': `export default ${number}`,
      'lib/b.json': `${number}`,
      'c.cjs': `module.exports = { c: ${number} }`,
      'lib/d.js': `module.exports = ${number}`,
    }),
  },
  'a module that imports a package of its release': {
    config: 'tsicorn.config.mjs',
    files: number => ({
      'tsicorn.config.mjs': `import a from 'a'\nexport default { app: 'a', proc_name: [${number}, a].join() }`,
      'node_modules/a/package.json': '{ "type": "module", "exports": "./index.js" }',
      'node_modules/a/index.js': `export default ${number}`,
    }),
  },
  'JavaScript of CommonJS': {
    config: 'tsicorn.config.js',
    files: number => ({
      ...manifest('commonjs'),
      'tsicorn.config.js': `module.exports = { app: 'a', proc_name: [${number}, require('./a'), require('./lib')].join() }`,
      'a.js': `module.exports = ${number}`,
      'lib/index.js': `module.exports = ${number}`,
    }),
  },
  TypeScript: {
    config: 'tsicorn.config.ts',
    files: number => ({
      ...manifest('module'),
      'tsicorn.config.ts': `
        import a from './a.ts'
        import b from './lib/b.js'
        import c from '@/c'
        import d from './d.json'
        export default { app: 'a', proc_name: [${number}, a, b, c, d].join() as string }`,
      'a.ts': `export default ${number}`,
      'lib/b.ts': `export default ${number} as number`,
      'src/c.ts': `export default ${number}`,
      'd.json': `${number}`,
      'tsconfig.json': '{ "compilerOptions": { "paths": { "@/*": ["./src/*"] } } }',
    }),
  },
  'TypeScript of CommonJS': {
    config: 'tsicorn.config.ts',
    files: number => ({
      ...manifest('commonjs'),
      'tsicorn.config.ts': `import a from './a'\nexport default { app: 'a', proc_name: [${number}, a].join() as string }`,
      'a.ts': `export default ${number}`,
    }),
  },
  JSON: {
    config: 'tsicorn.config.json',
    files: number => ({
      'tsicorn.config.json': JSON.stringify({ app: 'a', proc_name: `${number}` }),
    }),
  },
}

interface Layout {
  /** Puts a version in place, and removes the one before. */
  readonly put: (folder: string, number: number, files: Files, config: string) => void
  readonly given: (folder: string, config: string) => { readonly cwd: string; readonly argv?: string[] }
}

function link(target: string, path: string): void {
  symlinkSync(target, `${path}.new`)
  renameSync(`${path}.new`, path)
}

function release(folder: string, number: number, files: Files): void {
  for (const [name, text] of Object.entries(files)) write(join(folder, 'releases', `${number}`), name, text)
  link(`releases/${number}`, join(folder, 'current'))
  rmSync(join(folder, 'releases', `${number - 1}`), { recursive: true, force: true })
}

const layouts: Record<string, Layout> = {
  'in a linked folder': {
    put: release,
    given: folder => ({ cwd: join(folder, 'current') }),
  },
  'named in a linked folder': {
    put: release,
    given: (folder, config) => ({ cwd: folder, argv: ['-c', `current/${config}`] }),
  },
  'that is a link itself': {
    put(folder, number, files, config) {
      release(folder, number, files)
      link(`current/${config}`, join(folder, 'home.link'))
      link(`releases/${number}/${config}`, join(folder, config))
    },
    given: (folder, config) => ({ cwd: folder, argv: ['-c', config] }),
  },
  'in a ConfigMap': {
    put(folder, number, files) {
      const own = `..2024_${number}`
      for (const [name, text] of Object.entries(files)) write(join(folder, own), name, text)
      link(own, join(folder, '..data'))
      for (const name of new Set(Object.keys(files).map(name => name.split('/')[0] as string))) {
        rmSync(join(folder, name), { force: true })
        symlinkSync(`..data/${name}`, join(folder, name))
      }
      rmSync(join(folder, `..2024_${number - 1}`), { recursive: true, force: true })
    },
    given: folder => ({ cwd: folder }),
  },
  'whose neighbours are links': {
    put(folder, number, files, config) {
      for (const [name, text] of Object.entries(files)) {
        const own = name.startsWith(config) || /^(?:package|tsconfig)/.test(name)
        if (own) write(folder, name, text.replace(`[${number}, `, '['))
        else {
          write(join(folder, `v${number}`), name, text)
          const parent = dirname(name) === '.' ? [] : [dirname(name).split('/')[0] as string]
          const linked = parent[0] ?? basename(name)
          link(`v${number}/${linked}`, join(folder, linked))
        }
      }
      rmSync(join(folder, `v${number - 1}`), { recursive: true, force: true })
    },
    given: folder => ({ cwd: folder }),
  },
}

describe('a configuration', () => {
  afterEach(removeFolders)

  for (const [where, { put, given }] of Object.entries(layouts)) {
    for (const [what, { config, files }] of Object.entries(versions)) {
      // Packages are imported once: another version of one comes in a folder of its own, or with a restart.
      if (where === 'whose neighbours are links' && what.includes('package')) continue
      it(`${where} is read again when a link is switched: ${what}`, async () => {
        const folder = folderWith()
        const seen: string[] = []
        for (const number of [1, 2, 3]) {
          put(folder, number, files(number), config)
          const { settings } = await resolved(given(folder, config))
          seen.push(...new Set(settings.proc_name?.split(',')))
        }
        expect(seen).to.deep.equal(['1', '2', '3'])
      })
    }
  }

  it('names both the link and the file behind it as its files', async () => {
    const folder = folderWith({ 'v1/tsicorn.config.mjs': `export default { app: 'a' }` })
    symlinkSync('v1', join(folder, 'current'))
    const cwd = join(folder, 'current')
    const { files } = await resolved({ cwd })
    expect(files).to.have.members([join(cwd, 'tsicorn.config.mjs'), join(folder, 'v1/tsicorn.config.mjs')])
  })
})
