/** The folder of the benchmark: its programs, a certificate, and the packages of the peers, none of them the project's. */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'

export const root = fileURLToPath(new URL('../../..', import.meta.url))
const sources = fileURLToPath(new URL('../programs', import.meta.url))
const folder = join(root, 'dist-bench', 'peers')

export const program = (name: string): string => join(folder, `${name}.mjs`)
export const inPackage = (path: string): string => join(folder, 'node_modules', path)
export const pythonApps = sources
export const keyfile = join(folder, 'key.pem')
export const certfile = join(folder, 'cert.pem')

/** Bundles the programs as tsicorn is: removing types takes time and memory at every start. */
export async function bundlePrograms(): Promise<void> {
  await build({
    absWorkingDir: sources,
    entryPoints: ['plain', 'express', 'fastify', 'hono', 'serve', 'limit', 'cluster', 'watt'].map(
      name => `${name}.ts`,
    ),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    logLevel: 'warning',
  })
}

/** Installs packages from the npm registry, each as `name@version`, unless they are there; that takes a while. */
export async function install(packages: readonly string[]): Promise<void> {
  const missing = packages.filter(wanted => !isInstalled(wanted))
  if (missing.length === 0) return
  console.error(`Installing ${missing.join(', ')} into ${folder}`)
  mkdirSync(folder, { recursive: true })
  const manifest = join(folder, 'package.json')
  if (!existsSync(manifest)) writeFileSync(manifest, '{ "private": true }\n')
  const flags = ['--no-audit', '--no-fund', '--save-exact', '--ignore-scripts']
  await promisify(execFile)('npm', ['install', '--prefix', folder, ...flags, ...missing], {
    cwd: folder,
    maxBuffer: 2 ** 26,
  })
}

/** Makes a certificate with openssl, once. */
export function makeCertificate(): void {
  if (existsSync(certfile)) return
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '3650']
  const files = ['-keyout', keyfile, '-out', certfile]
  execFileSync('openssl', ['req', '-x509', ...kind, ...files, '-subj', '/CN=localhost'], { stdio: 'pipe' })
}

function isInstalled(wanted: string): boolean {
  const at = wanted.lastIndexOf('@')
  const manifest = inPackage(`${wanted.slice(0, at)}/package.json`)
  if (!existsSync(manifest)) return false
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string }
  return version === wanted.slice(at + 1)
}
