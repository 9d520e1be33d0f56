/** How bundles come by the modules of Node. */
import type { Plugin } from 'esbuild'

/**
 * Takes Node's modules as `require` would, only where they are used, and of each only what is used. To import one, Node
 * reads each of its exports, and some load what is rare: with `node:http` comes the whole of `fetch`, which takes longer
 * than all the rest of a worker's start.
 */
export const builtins: Plugin = {
  name: 'builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path, kind }) => ({
      path,
      namespace:
        kind === 'import-statement' ? 'builtin' : path === 'node:assert' ? 'stand-in' : 'whole-builtin',
    }))
    onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({ contents: exportsOf(path) }))
    onLoad({ filter: /./, namespace: 'whole-builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('${path}')`,
    }))
    onLoad({ filter: /^node:/, namespace: 'stand-in' }, () => ({ contents: lateAssert }))
  },
}

/**
 * A module that has the exports of one of Node's; the bundler leaves out what nobody imports, and does not read it. What
 * Node loads when it is read, such as `fs.promises`, can only be had by way of the default export, when it is wanted.
 */
function exportsOf(path: string): string {
  const exported = Object.entries(Object.getOwnPropertyDescriptors(process.getBuiltinModule(path)))
  const names = exported.flatMap(([name, { get }]) => (get || name === 'default' ? [] : [name]))
  return [
    `const builtin = process.getBuiltinModule('${path}')`,
    'const take = name => builtin[name]',
    'export default builtin',
    ...names.map(
      name => `const node_${name} = /* @__PURE__ */ take('${name}')\nexport { node_${name} as ${name} }`,
    ),
  ].join('\n')
}

/** Loads the real one only for what does not hold: that takes longer than to load the package that asserts. */
const lateAssert = `
  const load = () => process.getBuiltinModule('node:assert')
  module.exports = new Proxy(() => {}, {
    apply: (_target, _receiver, given) => given[0] ? undefined : load()(...given),
    get: (_target, name) => load()[name],
  })`
