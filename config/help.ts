/** What `--help` prints. */
import { defaultInWords, spellingsOf } from './describe.ts'
import { declarations, groups, type SettingName, settingNames } from './table.ts'

const indent = ' '.repeat(6)

/** All flags, for a terminal that is so many columns wide. */
export function help(width = process.stdout.columns || 80): string {
  const columns = Math.max(40, Math.min(width, 120))
  const usage = `Usage: tsicorn [FLAGS] [APP]

${wrapped('APP is path[:export]: ./app.ts, dist/server.js:app or some-package:createApp(). More flags are taken from $TSICORN_CMD_ARGS, and settings from tsicorn.config.ts.', columns, '')}

  -h, --help
${indent}Print this
  -v, --version
${indent}Print the version
  --json
${indent}With --print-config: print JSON`
  const sections = Object.entries(groups).map(([heading, group]) => {
    const names = settingNames.filter(name => name in group && declarations[name].flag !== undefined)
    return [`${heading}:`, ...names.map(name => flagHelp(name, columns))].join('\n')
  })
  return [usage, ...sections].join('\n\n')
}

function flagHelp(name: SettingName, columns: number): string {
  const { kind, doc, available } = declarations[name]
  const metavar = kind.metavar && (kind.bare === undefined ? ` ${kind.metavar}` : ` [${kind.metavar}]`)
  const later = available === false ? ' Not available yet.' : ''
  const text = `${doc.replaceAll('`', '')}${later} [default: ${defaultInWords(name)}]`
  return `${wrapped(`${spellingsOf(name).join(', ')}${metavar}`, columns, '  ')}\n${wrapped(text, columns, indent)}`
}

function wrapped(text: string, columns: number, margin: string): string {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= columns) lines.push(`${lines.pop()} ${word}`)
    else lines.push(margin + word)
  }
  return lines.join('\n')
}
