/**
 * Bundles the package into `dist`, one file for each process; what is rare in it is evaluated when it is wanted.
 *
 * The lines stay readable, and maps name their sources. The licenses of what is bundled are in `dist/licenses.txt`.
 */
import {
  copyFileSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Metafile, type Plugin } from 'esbuild'
import { builtins } from './build/builtins.ts'
import { smallWinston } from './build/winston.ts'

/** The first file of each process, and what configurations import. */
const entries = [
  'daemon/main',
  'daemon/compile-cache',
  'daemon/generation/config-trial-main',
  'worker/preload',
  'worker/main',
  'worker/threads/main',
  'config/index',
  'control/main',
]

/** What other programs run. */
const copied = ['worker/python/host.py']

/** These have files of their own to find, or are loaded by their name. */
const external = ['tsx', 'esbuild', 'chokidar', 'proper-lockfile']

/** The preload enables the compile cache before it loads the rest, which is an entry of its own, or another with threads. */
const preloaded: Plugin = {
  name: 'preloaded',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/(threads\/)?main\.ts$/ }, ({ kind, path }) => {
      const name = path === './main.ts' ? 'worker-main' : 'worker-threads-main'
      return kind === 'dynamic-import' ? { path: `./${name}.js`, external: true } : undefined
    })
  },
}

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'dist')

mkdirSync(folder, { recursive: true })
for (const path of copied) copyFileSync(join(root, path), join(folder, path.replaceAll('/', '-')))
const bundles = await Promise.all([...entries.map(bundle), statusPage()])
writeFileSync(join(folder, 'licenses.txt'), licensesOf(bundles))
removeOld(bundles.flatMap(({ outputs }) => Object.keys(outputs).map(path => basename(path))))

/** Removes what earlier builds have left, last: while the bundles are written, a server may be starting from here. */
function removeOld(made: readonly string[]): void {
  for (const name of globSync('*.{js,map}', { cwd: folder }))
    if (!made.includes(name)) rmSync(join(folder, name))
}

/** What two processes share is in the bundles of both. */
async function bundle(path: string): Promise<Metafile> {
  const name = path.replaceAll('/', '-')
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [{ in: `${path}.ts`, out: name }],
    outdir: folder,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.18',
    external,
    plugins: [builtins, smallWinston, preloaded],
    sourcemap: true,
    sourcesContent: false,
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
    // CommonJS among what is bundled requires modules of Node.
    banner: {
      js: `const require = process.getBuiltinModule('node:module').createRequire(import.meta.url)`,
    },
  })
  return metafile
}

/** Makes the status page, one file with its style and its script. */
async function statusPage(): Promise<Metafile> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['page/main.ts', 'page/style.css'],
    outdir: folder,
    bundle: true,
    format: 'iife',
    platform: 'browser',
    target: 'es2024',
    minify: true,
    legalComments: 'none',
    write: false,
    metafile: true,
    logLevel: 'warning',
  })
  const madeOf = (ending: string) => outputFiles.find(({ path }) => path.endsWith(ending))?.text.trim() ?? ''
  const html = readFileSync(join(root, 'page/index.html'), 'utf8')
    .replace('/*style*/', () => madeOf('.css'))
    .replace('/*script*/', () => madeOf('.js'))
  // A server may be reading the one before.
  const file = join(folder, 'status-page.html')
  writeFileSync(`${file}.new`, html)
  renameSync(`${file}.new`, file)
  return metafile
}

/** Of every package that a bundle has code of. */
function licensesOf(all: readonly Metafile[]): string {
  const used = all
    .flatMap(({ outputs }) => Object.values(outputs))
    .flatMap(({ inputs }) => Object.entries(inputs))
    .flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [packageOf(path)] : []))
    .filter(found => found !== undefined)
  return [...new Set(used)].sort().map(licenseOf).join('\n')
}

/** `node_modules/winston` for a file of it. */
function packageOf(path: string): string | undefined {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]
}

function licenseOf(path: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8')) as {
    readonly name: string
    readonly version: string
    readonly license: string
  }
  const file = readdirSync(join(root, path)).find(name => /^licen[cs]e/i.test(name))
  const text = file === undefined ? '' : readFileSync(join(root, path, file), 'utf8')
  return `${name} ${version}: ${license}\n\n${text}`
}
