/**
 * Guards the architecture: `node scripts/check-layers.ts [ROOT]` prints every import that goes up or where it must not,
 * every cycle, and every file that is too long or has no layer, and exits 1 when there is one.
 */
import { matchesGlob, resolve } from 'node:path'
import { folders, generated, layers, mostLines } from './layer-table.ts'
import { findCycles, type Import, type Module, readModules } from './module-graph.ts'

const root = resolve(process.argv[2] ?? '.')
const modules = readModules(root, Object.keys(folders))
const paths = new Set(modules.map(module => module.path))
const problems = [...modules.flatMap(problemsOf), ...findCycles(modules).map(cycleProblem)]

for (const problem of problems) console.error(problem)
console.log(`${modules.length} files, ${problems.length} problems with layers, cycles or length`)
process.exitCode = problems.length === 0 ? 0 : 1

function problemsOf(module: Module): string[] {
  const { path, lines, imports } = module
  const found: string[] = []
  if (layerOf(path) === undefined) {
    found.push(`${path}: has no layer: declare it in scripts/layer-table.ts`)
  }
  if (lines > mostLines && !generated.includes(path)) {
    found.push(`${path}: has ${lines} lines, more than ${mostLines}: give its second noun a file of its own`)
  }
  return [...found, ...imports.flatMap(edge => importProblem(path, edge) ?? [])]
}

function importProblem(path: string, { target, line }: Import): string | undefined {
  const here = layerOf(path)
  const there = layerOf(target)
  const says = `${path}:${line}: imports ${target}`
  if (!(folderOf(target) in folders))
    return `${says}: only ${Object.keys(folders).join(', ')} may be imported`
  if (!paths.has(target)) return `${says}: there is no such file`
  if (!mayImport(folderOf(path), target)) return `${says}: ${folderOf(path)} must not know of it`
  if (here !== undefined && there !== undefined && there > here) {
    return `${says}: goes up from layer ${here} to layer ${there}`
  }
  return undefined
}

function mayImport(folder: string, target: string): boolean {
  return folderOf(target) === folder || folders[folder]!.some(pattern => matchesGlob(target, pattern))
}

function cycleProblem(cycle: readonly string[]): string {
  return `${cycle[0]}: imports itself in a circle: ${cycle.join(' -> ')}`
}

function layerOf(path: string): number | undefined {
  return layers.find(({ files }) => files.some(pattern => matchesGlob(path, pattern)))?.layer
}

function folderOf(path: string): string {
  return path.split('/', 1)[0]!
}
