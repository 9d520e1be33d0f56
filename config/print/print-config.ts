/** Prints `--print-config`. */
import { showValue } from '../describe.ts'
import type { Resolved } from '../resolve/resolve.ts'
import { settingNames } from '../table.ts'

/** Each setting with its value and the origin of that, sorted; with `json`, one JSON object. */
export function printConfig(resolved: Resolved): string {
  const { settings, origins, hooks, json, file } = resolved
  const names = settingNames.toSorted()
  if (json) {
    const values = names.map(name => [name, { value: printable(settings[name]), origin: origins[name] }])
    return JSON.stringify(
      { file: file ?? null, settings: Object.fromEntries(values), hooks: Object.keys(hooks).sort() },
      null,
      2,
    )
  }
  const rows = [
    ...names.map(name => ({ name, value: showValue(name, settings[name]) })),
    ...Object.keys(hooks).map(name => ({ name, value: '(function)' })),
  ].sort((a, b) => (a.name < b.name ? -1 : 1))
  const width = {
    name: columnWidth(rows.map(row => row.name)),
    value: columnWidth(rows.map(row => row.value)),
  }
  return rows
    .map(({ name, value }) => `${name.padEnd(width.name)} = ${value.padEnd(width.value)}  # ${origins[name]}`)
    .join('\n')
}

/** Functions have no JSON. */
function printable(value: unknown): unknown {
  return typeof value === 'function' ? '(function)' : value
}

/** The width of a column, not counting a few long values. */
function columnWidth(texts: readonly string[]): number {
  return Math.max(...texts.map(text => text.length).filter(length => length <= 40))
}
