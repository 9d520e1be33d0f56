/** What is published: its files, links and types, its command, and apps served from an installed copy. */
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { whyNoPython } from '../../support/python/launch.ts'
import { filesIn } from '../../support/readme-files.ts'
import { launch } from '../../support/tsicorn.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const require = createRequire(import.meta.url)
const manifest = require('../../../package.json') as {
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
}
const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc')
const sourceFolders = ['config', 'control', 'daemon', 'hooks', 'page', 'worker']

/** The package as npm packs it, installed in a project of its own. */
describe('the package', function () {
  this.timeout(360_000)
  let folder: string
  let project: string
  let packed: readonly string[]
  let bin: string

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tsicorn-package-'))
    project = join(folder, 'project')
    const clone = copySources(join(folder, 'clone'))
    const tarball = pack(clone)
    packed = tarball.files
    install(join(clone, tarball.name), project)
    bin = join(project, 'node_modules/.bin/tsicorn')
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('has a bundle for each process, types, and nothing else that is not meant for it', () => {
    const [bundles, types] = [/^dist\/[^/]+\.js(?:\.map)?$/, /^dist\/.*\.d\.ts$/]
    const entries = [
      'control-main',
      'daemon-main',
      'daemon-generation-config-trial-main',
      'worker-preload',
      'config-index',
    ]
    expect([...packed]).to.include.members(entries.map(name => `dist/${name}.js`))
    expect([...packed]).to.include('dist/config/index.d.ts')
    const expected = [
      'dist/licenses.txt',
      'dist/status-page.html',
      'dist/worker-python-host.py',
      ...globSync('{docs,deploy}/**', { cwd: root }).filter(path => statSync(join(root, path)).isFile()),
      ...['CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md', 'package.json'],
      ...['daemon/tsicorn.js', 'control/tsicornc.js'],
    ]
    const others = packed.filter(path => !bundles.test(path) && !types.test(path))
    expect(others.sort()).to.deep.equal(expected.sort())
    expect([...packed], 'of an earlier build').not.to.include('dist/renamed-since.js')
  })

  it('has all pages that its pages link to', () => {
    for (const page of packed.filter(path => path.endsWith('.md'))) {
      const text = readFileSync(join(root, page), 'utf8')
      const links = Array.from(text.matchAll(/\]\((?!\w+:|#)([^)#]+)/g), ([, link]) =>
        join(page, '..', link as string),
      )
      expect([...packed], page).to.include.members(links)
    }
  })

  it('runs nothing when it is installed', () => {
    const { scripts } = JSON.parse(
      readFileSync(join(project, 'node_modules/tsicorn/package.json'), 'utf8'),
    ) as { readonly scripts: object }
    // npm warns of each of these.
    expect(scripts).not.to.have.any.keys('preinstall', 'install', 'postinstall', 'prepare')
  })

  it('serves the files of the README in an empty project, which have no errors of types', async () => {
    const readme = join(project, 'readme')
    mkdirSync(readme)
    output('npm', ['init', '-y'], readme)
    output(process.execPath, [tsc, '--init'], readme)
    const files = filesIn(readFileSync(join(root, 'README.md'), 'utf8'))
    for (const [path, text] of Object.entries(files)) write(`readme/${path}`, text)
    expect(output(process.execPath, [tsc, '--noEmit'], readme)).to.equal('')
    const env = { TSICORN_CMD_ARGS: '-b 127.0.0.1:0 -b unix:hello.sock' }
    const server = launch({ command: [process.execPath, bin], folder: readme, env })
    const url = await server.running()
    expect(await (await fetch(url, { headers: { connection: 'close' } })).text()).to.match(
      /^Hello from process/,
    )
  })

  it('has a command that says its version', () => {
    const said = execFileSync(process.execPath, [bin, '--version'], { cwd: project, encoding: 'utf8' })
    expect(said).to.equal(`tsicorn ${manifest.version}\n`)
  })

  it('serves an app in JavaScript', async () => {
    write('app.js', `export default (req, res) => res.end('hello')\n`)
    const server = launch({
      command: [process.execPath, bin],
      args: ['-b', '127.0.0.1:0', '-w', '2', './app.js'],
      folder: project,
    })
    const url = await server.running()
    expect(await (await fetch(url)).text()).to.equal('hello')
    expect(server.workers).to.have.length(2)
  })

  it('serves an app in Python', async function () {
    if (whyNoPython !== undefined) this.skip()
    write(
      'hello.py',
      `def application(environ, start_response):\n    start_response('200 OK', [])\n    return [b'hello']\n`,
    )
    const server = launch({
      command: [process.execPath, bin],
      args: ['-b', '127.0.0.1:0', '-k', 'wsgi', 'hello'],
      folder: project,
    })
    expect(await (await fetch(await server.running())).text()).to.equal('hello')
  })

  it('serves an app and a configuration in TypeScript, and reloads them', async () => {
    write(
      'ts/app.ts',
      `export default (_req: unknown, res: import('node:http').ServerResponse) => res.end('typed')\n`,
    )
    write('ts/tsicorn.config.ts', configuration)
    const server = launch({ command: [process.execPath, bin], folder: join(project, 'ts') })
    const url = await server.running()
    expect(await (await fetch(url, { headers: { connection: 'close' } })).text()).to.equal('typed')
    await server.says(/2 workers, says the hook/)
    await server.reload()
  })

  const kinds = { nodenext: 'nodenext', bundler: 'esnext' }

  for (const [moduleResolution, module] of Object.entries(kinds)) {
    it(`has types for a strict project with ${moduleResolution}`, () => {
      const types = `types-${moduleResolution}`
      const options = {
        ...{ module, moduleResolution, target: 'es2024', types: ['node'], noEmit: true },
        ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
        ...{ verbatimModuleSyntax: true, isolatedModules: true, skipLibCheck: false },
      }
      write(`${types}/tsconfig.json`, JSON.stringify({ compilerOptions: options, files: ['config.ts'] }))
      write(`${types}/config.ts`, `${configuration}${misuse}`)
      expect(output(process.execPath, [tsc, '-p', join(project, types)], project)).to.equal('')
    })
  }

  function write(path: string, text: string): void {
    mkdirSync(dirname(join(project, path)), { recursive: true })
    writeFileSync(join(project, path), text)
  }
})

const configuration = `
import { type Config, defineConfig, type ServerView } from 'tsicorn'

const name = (server: ServerView): string => \`\${server.num_workers} workers, says the hook\`
const limits: Config = { graceful_timeout: 20 }

export default defineConfig({
  ...limits,
  app: './app.ts',
  bind: ['127.0.0.1:0'],
  workers: 2,
  when_ready(server) {
    server.log.info(name(server))
  },
})
`

const misuse = `
// @ts-expect-error a name that is misspelled
defineConfig({ timout: 3 })
// @ts-expect-error a value of the wrong type
defineConfig({ timeout: 'long' })
// @ts-expect-error a name that is misspelled in what a function returns
defineConfig(async () => ({ app: './app.ts', workerz: 2 }))
defineConfig(({ env }) => ({ workers: 'auto', app: env.APP ?? './app.ts', loglevel: 'debug' }))
`

/** What a clone has that packing needs, and a file that an earlier build left behind. */
function copySources(clone: string): string {
  const files = [
    'package.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'README.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'LICENSE',
  ]
  for (const path of [...sourceFolders, 'docs', 'deploy', 'scripts/build', 'scripts/build.ts', ...files]) {
    cpSync(join(root, path), join(clone, path), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'))
  mkdirSync(join(clone, 'dist'))
  writeFileSync(join(clone, 'dist/renamed-since.js'), '')
  return clone
}

interface Tarball {
  readonly name: string
  readonly files: readonly string[]
}

function pack(clone: string): Tarball {
  const said = output('npm', ['pack', '--json', '--silent'], clone)
  const [{ filename, files }] = JSON.parse(said.slice(said.indexOf('['))) as [
    { readonly filename: string; readonly files: readonly { readonly path: string }[] },
  ]
  return { name: filename, files: files.map(({ path }) => path) }
}

/** What npm would do: the package itself, its command, and what it depends on, which is taken from here. */
function install(tarball: string, project: string): void {
  const modules = join(project, 'node_modules')
  for (const path of ['tsicorn', '.bin', '@types']) mkdirSync(join(modules, path), { recursive: true })
  execFileSync('tar', ['-xzf', tarball, '-C', join(modules, 'tsicorn'), '--strip-components=1'])
  symlinkSync('../tsicorn/daemon/tsicorn.js', join(modules, '.bin/tsicorn'))
  for (const name of [...Object.keys(manifest.dependencies), '@types/node']) {
    symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
}

/** What a program prints; all of it is in the error where it fails. */
function output(program: string, args: readonly string[], cwd: string): string {
  const env = { ...process.env, npm_config_offline: 'true', npm_config_update_notifier: 'false' }
  try {
    return execFileSync(program, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string }
    throw new Error(`${program} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error })
  }
}
