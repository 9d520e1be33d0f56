/** Configuration files: which one is found, what it may be written in, and what is said of one that fails. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { importConfig } from '../../../config/load/file.ts'
import { refused, resolved } from '../resolve/resolving.ts'
import { folderWith, removeFolders } from './folder.ts'

const esm = { 'package.json': '{ "type": "module" }' }
const plain = { 'package.json': '{ "name": "plain" }' }

/** Everything that Node's own type stripping cannot do, and an import without an ending. */
const rich = {
  'tsconfig.json':
    '{ "compilerOptions": { "experimentalDecorators": true, "paths": { "@lib/*": ["./lib/*"] } } }',
  'lib/level.ts': 'export enum Level { Loud = "debug" }',
  'seconds.ts': 'export const seconds: number = 3',
  'tsicorn.config.ts': `
    import { Level } from '@lib/level.ts'
    import { seconds } from './seconds'
    function twice(_target: object, _key: string, property: PropertyDescriptor) {
      const { value } = property
      property.value = () => value() * 2
    }
    class Grace { @twice seconds() { return 4 } }
    export default { app: 'a', loglevel: Level.Loud, timeout: seconds, graceful_timeout: new Grace().seconds() }`,
}

describe('configuration files', () => {
  afterEach(removeFolders)

  for (const [kind, files] of Object.entries({ ESM: esm, CommonJS: plain })) {
    it(`in TypeScript may use enums, decorators, paths of tsconfig and other files, in a package of ${kind}`, async () => {
      const { settings, files: imported, file } = await resolved({ files: { ...files, ...rich } })
      expect(settings).to.include({ loglevel: 'debug', timeout: 3, graceful_timeout: 8 })
      const folder = settings.chdir
      expect(imported).to.include.members(
        ['tsicorn.config.ts', 'lib/level.ts', 'seconds.ts'].map(name => join(folder, name)),
      )
      expect(file).to.equal(join(folder, 'tsicorn.config.ts'))
    })
  }

  it('find their tsconfig although tsicorn was started elsewhere', async () => {
    const { settings } = await resolved({
      argv: ['-c', 'sub/tsicorn.config.ts'],
      files: Object.fromEntries(
        Object.entries({ ...esm, ...rich }).map(([name, text]) => [`sub/${name}`, text]),
      ),
    })
    expect(settings.loglevel).to.equal('debug')
  })

  const forms = {
    'tsicorn.config.mts': `export default { app: 'found' }`,
    'tsicorn.config.js': `export default { app: 'found' }`,
    'tsicorn.config.mjs': `export default { app: 'found' }`,
    'tsicorn.config.cjs': `module.exports = { app: 'found' }`,
    'tsicorn.config.json': `{ "$schema": "./schema.json", "app": "found" }`,
  }
  for (const [name, text] of Object.entries(forms)) {
    it(`may be ${name}`, async () => {
      expect((await resolved({ files: { ...esm, [name]: text } })).settings.app).to.equal('found')
    })
  }

  it('are looked for in the order of their endings', async () => {
    const files = { ...esm, ...forms, 'tsicorn.config.ts': `export default { app: 'first' }` }
    expect((await resolved({ files })).settings.app).to.equal('first')
  })

  for (const named of ['sub/c.json', 'file:sub/c.json']) {
    it(`are found as ${named}`, async () => {
      const { origins } = await resolved({ argv: ['-c', named], files: { 'sub/c.json': '{ "app": "a" }' } })
      expect(origins.app).to.equal('sub/c.json')
    })
  }

  it('named on the command line win over those named in the variable', async () => {
    const files = { 'a.json': '{ "app": "a" }', 'b.json': '{ "app": "b" }' }
    const { settings } = await resolved({
      files,
      argv: ['-c', 'a.json'],
      env: { TSICORN_CMD_ARGS: '-c b.json' },
    })
    expect(settings.app).to.equal('a')
  })

  it('may export an async function of the command and the environment', async () => {
    const text = 'export default async ({ command, env }) => ({ app: command, proc_name: env.NAME })'
    const { settings } = await resolved({
      files: { 'tsicorn.config.mjs': text },
      env: { NAME: 'shop' },
      argv: ['--check-config'],
    })
    expect(settings).to.include({ app: 'check', proc_name: 'shop' })
  })

  it('give their hooks', async () => {
    const text = `export default { app: 'a', pre_fork(server, worker) { return 'called' } }`
    const { hooks, origins } = await resolved({ files: { 'tsicorn.config.mjs': text } })
    expect((hooks.pre_fork as () => unknown)()).to.equal('called')
    expect(origins.pre_fork).to.equal('tsicorn.config.mjs')
  })

  it('give a worker their keys, hooks among them', async () => {
    const folder = folderWith({ 'c.mjs': `export default ({ command }) => ({ post_fork: () => command })` })
    const { post_fork } = await importConfig(join(folder, 'c.mjs'), { command: 'check', env: {} })
    expect((post_fork as () => unknown)()).to.equal('check')
  })

  const loadsPackages = async (name: string, text: string): Promise<boolean> => {
    const folder = folderWith({ [name]: text })
    const script = `
      import { registerHooks } from 'node:module'
      let packages = 0
      registerHooks({ load(url, context, next) { packages += url.includes('/node_modules/') ? 1 : 0; return next(url, context) } })
      const { resolve } = await import(${JSON.stringify(new URL('../../../config/resolve/resolve.ts', import.meta.url).href)})
      const { settings } = await resolve({ argv: [], env: {}, cwd: ${JSON.stringify(folder)} })
      console.log(settings.app, packages > 0)`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
    expect(stdout).to.match(/^found /)
    return stdout.trim() === 'found true'
  }

  for (const name of ['tsicorn.config.mjs', 'tsicorn.config.cjs', 'tsicorn.config.json'] as const) {
    it(`load no package for ${name}`, async () => {
      expect(await loadsPackages(name, forms[name])).to.equal(false)
    })
  }

  it('say what to do where tsconfig.json extends what is not installed', async () => {
    const files = {
      'tsconfig.json': '{ "extends": "@nobody/base/tsconfig.json" }',
      'tsicorn.config.ts': `enum Names { App = 'found' }\nexport default { app: Names.App }`,
    }
    const { message } = await refused({ files, argv: [] })
    expect(message).to.equal(
      'tsicorn.config.ts: Cannot load it: tsconfig.json extends "@nobody/base/tsconfig.json", which is not there: install it, or correct "extends"',
    )
  })

  it('load tsx for TypeScript that Node cannot strip, and only for that', async () => {
    const config = (names: string) => `${names}\nexport default { app: Names.App as string }`
    const load = async (names: string) => await loadsPackages('tsicorn.config.ts', config(names))
    expect(await load(`const Names: { readonly App: string } = { App: 'found' }`)).to.equal(false)
    expect(await load(`enum Names { App = 'found' }`)).to.equal(true)
  })
})

describe('configuration files that cannot be used', () => {
  afterEach(removeFolders)

  const syntax = 'export default {\n  app: 1\n  bind: 2\n}\n'
  const mistakes: [string, string, RegExp][] = [
    ['c.ts', syntax, /^c\.ts: Cannot load it: syntax error at c\.ts:3:2: Expected "}" but found "bind"$/],
    ['c.mjs', syntax, /^c\.mjs: Cannot load it: syntax error at c\.mjs:3: Unexpected identifier 'bind'$/],
    [
      'c.cjs',
      syntax.replace('export default', 'module.exports ='),
      /^c\.cjs: Cannot load it: syntax error at c\.cjs:3: Unexpected identifier 'bind'$/,
    ],
    ['c.json', '{ "app": 1, }', /^c\.json: Cannot load it: syntax error: .*JSON at position 12/],
    [
      'c.ts',
      'import "./nowhere.ts"',
      /^c\.ts: Cannot load it: Cannot find module '.*nowhere\.ts' (imported from|required by) .*c\.ts$/,
    ],
    [
      'c.ts',
      'export const timeout = 3',
      /^c\.ts: A configuration is an object.*, and it has no default export: write export default/,
    ],
    ['c.mjs', 'export const timeout = 3', /and it has no default export/],
    ['c.mjs', 'export default [1]', /and this is a list/],
    ['c.mjs', 'export default async () => 3', /and this is a number/],
    ['c.json', 'null', /and this is null/],
    ['c.mjs', 'throw "no"', /^c\.mjs: Cannot load it: it threw no$/],
    [
      'c.mjs',
      'export default { config: "x" }',
      /^c\.mjs: config can only be given as a flag: write tsicorn -c FILE$/,
    ],
  ]
  for (const [name, text, expected] of mistakes) {
    it(`say what is wrong with ${name}: ${text.replaceAll('\n', ' ')}`, async () => {
      const { message, exitCode } = await refused({ files: { [name]: text }, argv: ['-c', name, 'a.ts'] })
      expect(message).to.match(expected)
      expect(exitCode).to.equal(1)
    })
  }

  it('that throw keep the place in TypeScript, and no frame of tsicorn or its loader', async () => {
    const text = 'interface Unused {\n  a: string\n}\n\nthrow new RangeError("too far")'
    const { message, report } = await refused({ files: { ...esm, 'c.ts': text }, argv: ['-c', 'c.ts'] })
    expect(message).to.equal('c.ts: Cannot load it: it threw RangeError: too far')
    expect(report).to.match(/\n {4}at .*c\.ts:5:7/)
    expect(report).to.not.match(
      /node:internal|node_modules\/(tsx|esbuild)|\/config\/(file|fresh|resolve)\.ts/,
    )
  })

  it('that are functions and throw are told like those that throw on import', async () => {
    const text = 'export default () => { throw new Error("no") }'
    const { report } = await refused({ files: { 'tsicorn.config.mjs': text } })
    expect(report).to.match(
      /^tsicorn\.config\.mjs: Cannot load it: it threw Error: no\nError: no\n {4}at .*tsicorn\.config\.mjs:1:30/,
    )
  })

  it('do not hide what is wrong with flags', async () => {
    const { problems } = await refused({ files: { 'tsicorn.config.json': '{' }, argv: ['--dirty-workers=2'] })
    expect(problems.map(({ origin }) => origin)).to.deep.equal(['tsicorn.config.json', '--dirty-workers'])
  })

  it('that are missing say where they were looked for', async () => {
    const cwd = folderWith()
    const { message } = await refused({ cwd, argv: ['-c', 'c.ts', 'a'] })
    expect(message).to.equal(`Cannot read the configuration "c.ts": there is no file ${join(cwd, 'c.ts')}`)
  })

  it('that are folders, or modules of Python, are refused', async () => {
    expect((await refused({ files: { 'c/x': '' }, argv: ['-c', 'c', 'a'] })).message).to.include(
      'it is not a file',
    )
    expect((await refused({ argv: ['-c', 'python:conf', 'a'] })).message).to.include(
      'a Python module cannot be read',
    )
  })
})
