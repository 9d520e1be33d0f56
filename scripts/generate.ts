/**
 * Writes the files that are generated from the tables of settings, hooks and exit codes, and from a running server; with
 * `--check` it only compares, and exits with 1 if a file is stale. It needs the bundle.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { autoscaleChart } from './generate/autoscale-chart.ts'
import { loadedModulesPage } from './generate/loaded-modules.ts'
import { metricsPage } from './generate/metrics-page.ts'
import { optionDocs } from './generate/option-docs.ts'
import { exitCodesPage, hooksPage, otherToolsPage, settingsPage, tsicorncPage } from './generate/pages.ts'
import { schema } from './generate/schema.ts'

const generated: Readonly<Record<string, string>> = {
  'config/option-docs.ts': optionDocs(),
  'docs/settings.md': settingsPage(),
  'docs/hooks.md': hooksPage(),
  'docs/exit-codes.md': exitCodesPage(),
  'docs/from-other-tools.md': otherToolsPage(),
  'docs/metrics.md': metricsPage(),
  'docs/tsicornc.md': tsicorncPage(),
  'docs/schema.json': schema(),
  'docs/autoscaling.svg': autoscaleChart(),
  // What is loaded depends on the version: this page is about the one of `npm start`.
  ...(process.versions.node.startsWith('24.') ? { 'docs/loaded-modules.md': await loadedModulesPage() } : {}),
}

const place = (file: string): URL => new URL(`../${file}`, import.meta.url)

const stale = Object.keys(generated).filter(
  file => !existsSync(place(file)) || readFileSync(place(file), 'utf8') !== generated[file],
)
if (!process.argv.includes('--check')) {
  for (const file of stale) {
    writeFileSync(place(file), generated[file] ?? '')
    console.log(`Wrote ${file}`)
  }
} else if (stale.length > 0) {
  console.error(`Stale: ${stale.join(', ')}: run npm run generate`)
  process.exitCode = 1
}
