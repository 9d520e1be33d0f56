/**
 * Guards the architecture. `node scripts/check-layers.ts [ROOT]` prints the rooms with their number of files, and every
 * violation: forbidden imports between rooms, circles of files or of rooms, files and folders that have grown too
 * large. Exits with 1 if there is one.
 */
import { resolve } from 'node:path'
import { dirname } from 'node:path/posix'
import { generated, mostFiles, mostLines, pure, rooms } from './layer-table.ts'
import { findCircles, type Import, type Module, readModules } from './module-graph.ts'

/** Besides the rooms, these are checked for circles. */
const others = ['scripts', 'test']

/** Folders of programs that tests and scripts start, one file each: they may hold as many as they like. */
const samples = ['scripts/applications/programs', 'test/apps', 'test/apps/served', 'test/apps/shapes']

const root = resolve(process.argv[2] ?? '.')
const all = readModules(root, [...new Set([...rooms.keys()].map(room => room.split('/', 1)[0]!)), ...others])
const sources = all.filter(({ path }) => !others.includes(path.split('/', 1)[0]!))
const paths = new Set(all.map(({ path }) => path))
const sizes = Map.groupBy(sources, ({ path }) => dirname(path))
const otherSizes = Map.groupBy(
  all.filter(({ path }) => others.includes(path.split('/', 1)[0]!) && !samples.includes(dirname(path))),
  ({ path }) => dirname(path),
)
const problems = [
  ...sources.flatMap(problemsOf),
  ...Array.from(sizes, ([room, { length }]) => roomProblem(room, length)).flat(),
  ...Array.from(otherSizes, ([folder, { length }]) => sizeProblem(folder, length)).flat(),
  ...findCircles(all.map(({ path, imports }) => [path, imports.map(({ target }) => target)])).map(
    circleProblem,
  ),
  ...findCircles(Array.from(rooms, ([room, known]) => [room, [...known]])).map(circleProblem),
]

for (const [room, { length }] of sizes) console.log(`${String(length).padStart(3)} ${room}`)
for (const problem of problems) console.error(problem)
console.log(`${sources.length} files, ${problems.length} problems with rooms, circles or length`)
process.exitCode = problems.length === 0 ? 0 : 1

function roomProblem(room: string, files: number): string[] {
  if (!rooms.has(room)) return [`${room}: is no room: declare it in scripts/layer-table.ts`]
  return sizeProblem(room, files)
}

function sizeProblem(room: string, files: number): string[] {
  if (files <= mostFiles) return []
  return [`${room}: has ${files} files, more than ${mostFiles}: it is more than one room`]
}

function problemsOf({ path, lines, imports, builtins }: Module): string[] {
  const found = imports.flatMap(edge => importProblem(path, edge) ?? [])
  if (pure.includes(dirname(path)) && builtins.length > 0)
    found.push(`${path}: imports ${builtins.join(', ')}: ${dirname(path)} is pure`)
  if (lines > mostLines && !generated.includes(path))
    found.push(`${path}: has ${lines} lines, more than ${mostLines}: give its second noun a file of its own`)
  return found
}

function importProblem(path: string, { target, line, isType }: Import): string | undefined {
  const [here, there] = [dirname(path), dirname(target)]
  const says = `${path}:${line}: imports ${target}`
  if (!rooms.has(there)) return `${says}: ${there} is no room`
  if (!paths.has(target)) return `${says}: there is no such file`
  if (here === there || rooms.get(here)?.has(there) !== false) return undefined
  if (isType && rooms.get(here)?.has(`type:${there}`)) return undefined
  return `${says}: ${here} must not know of ${there}`
}

function circleProblem(circle: readonly string[]): string {
  return `${circle[0]}: imports itself in a circle: ${circle.join(' -> ')}`
}
