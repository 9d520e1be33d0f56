/** Bundles the package once, before all tests: the servers that they start are what the package ships. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('../../scripts/build.ts', import.meta.url))

export function mochaGlobalSetup(): void {
  execFileSync(process.execPath, [script], { stdio: 'inherit' })
}
