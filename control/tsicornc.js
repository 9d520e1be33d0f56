#!/usr/bin/env node
// The `tsicornc` command, in JavaScript that any Node understands: an old one can still say which version is needed.
const [major, minor] = process.versions.node.split('.').map(Number)

if ((major === 22 && minor >= 18) || (major === 24 && minor >= 11) || major >= 26) {
  const { existsSync } = process.getBuiltinModule('node:fs')
  const isBundled = existsSync(new URL('../dist/control-main.js', import.meta.url))
  const { main } = await import(isBundled ? '../dist/control-main.js' : './main.ts')
  await main(process.argv.slice(2))
} else {
  process.stderr.write(
    `tsicornc needs Node.js 22.18 or later, 24.11 or later, or 26 or later, and this is ${process.version}\n`,
  )
  process.exitCode = 1
}
