#!/usr/bin/env node
// The `tsicorn` command, in JavaScript that any Node understands: an old one can still say which version is needed.
const [major, minor] = process.versions.node.split('.').map(Number)
const supported = (major === 22 && minor >= 18) || (major === 24 && minor >= 11) || major >= 26

if (supported && process.argv.length === 3 && ['-v', '--version'].includes(process.argv[2])) {
  // Much asked, and nothing else is needed for it.
  const { readFileSync } = process.getBuiltinModule('node:fs')
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  process.stdout.write(`tsicorn ${version}\n`)
} else if (supported) {
  const { existsSync } = process.getBuiltinModule('node:fs')
  const isBundled = existsSync(new URL('../dist/daemon-main.js', import.meta.url))
  const { keepCompiledCode } = await import(
    isBundled ? '../dist/daemon-compile-cache.js' : './compile-cache.ts'
  )
  keepCompiledCode()
  const { main } = await import(isBundled ? '../dist/daemon-main.js' : './main.ts')
  await main(process.argv.slice(2))
} else {
  process.stderr.write(
    `tsicorn needs Node.js 22.18 or later, 24.11 or later, or 26 or later, and this is ${process.version}\n`,
  )
  process.exitCode = 1
}
