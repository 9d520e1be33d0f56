/** Prints `--help`: the common flags, all flags, or one setting. */
import { styleText } from 'node:util'
import { isHook } from '../../hooks/check.ts'
import { hookTable } from '../../hooks/table.ts'
import { defaultInWords, showValue, spellingsOf, topicNamed } from '../describe.ts'
import type { Resolved } from '../resolve/resolve.ts'
import { declarations, groups, type SettingName, settingNames } from '../table.ts'

export interface Terminal {
  readonly columns: number
  readonly isColoured: boolean
}

/** The requested page, wrapped to the width of the terminal. */
export function help({ topic, settings, origins }: Resolved, terminal: Terminal): string {
  const columns = Math.max(40, Math.min(terminal.columns, 120))
  const name = topic === undefined ? undefined : topicNamed(topic)
  const page =
    name === undefined
      ? shortHelp(columns)
      : name === 'all'
        ? fullHelp(columns)
        : isHook(name)
          ? hookHelp(name, columns)
          : settingHelp(name, showValue(name, settings[name]), origins[name] as string, columns)
  return terminal.isColoured ? withColours(page) : page
}

/** The common flags with short texts; `--help FLAG` has the full one. */
const commonFlags: readonly (readonly [SettingName, string])[] = [
  ['config', 'The configuration, if not tsicorn.config.ts'],
  ['bind', 'PORT, HOST:PORT or unix:PATH; 127.0.0.1:8000'],
  ['workers', 'How many processes serve; auto: one per core'],
  ['reload', 'Reload at each save, for development'],
  ['chdir', 'The folder of the application'],
  ['raw_env', 'NAME=VALUE for the application'],
  ['accesslog', 'A line for each request; - is standard output'],
  ['errorlog', 'What tsicorn says; - is standard error'],
  ['loglevel', 'The least important lines that are logged'],
  ['log_format', 'The error log as text or JSON'],
  ['timeout', 'How long an event loop may stand still; 30'],
  ['graceful_timeout', 'How long requests may take to finish; 30'],
  ['max_worker_rss', 'Memory beyond which a worker is replaced'],
  ['forwarded_allow_ips', 'Which proxies to believe'],
  ['certfile', 'TLS, together with --keyfile'],
  ['user', 'Who the workers are'],
  ['pidfile', 'A file for the process id'],
  ['daemon', 'Leave the terminal when the server is ready'],
  ['check_config', 'Say whether configuration and app are ok'],
  ['print_config', 'Show each value and where it came from'],
]

const examples: readonly (readonly [string, string])[] = [
  ['tsicorn ./app.js', 'serves on 127.0.0.1:8000'],
  ['tsicorn -w auto -b 0.0.0.0:80 ./app.js', 'one worker per core, for everybody'],
  ['tsicorn --reload -b 3000 ./app.ts', 'for development, on 127.0.0.1:3000'],
  ['tsicorn', 'serves what tsicorn.config.ts says'],
]

const about = `APP is path[:export]: ./app.ts, dist/server.js:app or some-package:createApp(). Settings are also taken from tsicorn.config.ts and from $TSICORN_CMD_ARGS.`

function shortHelp(columns: number): string {
  const rows = [
    ...commonFlags.map(([name, words]) => [shortSpelling(name), words] as const),
    ['-v, --version', 'Print the version'] as const,
    ['-h, --help [all|SETTING]', 'Print this, all flags, or all about one setting'] as const,
  ]
  return [
    `Usage: tsicorn [FLAGS] [APP]\n\n${wrap(about, columns, '')}`,
    `Examples:\n${inColumns(examples, columns)}`,
    `Flags:\n${inColumns(rows, columns)}`,
  ].join('\n\n')
}

function shortSpelling(name: SettingName): string {
  const { flag, short, kind } = declarations[name]
  const metavar = kind.metavar.includes('|') && kind.metavar.length > 10 ? 'WORD' : kind.metavar
  return `${[short, flag].filter(Boolean).join(', ')} ${metavar}`.trimEnd()
}

/** Two columns, or one below the other if the terminal is too narrow. */
function inColumns(rows: readonly (readonly [string, string])[], columns: number): string {
  const width = Math.max(...rows.map(([left]) => left.length)) + 4
  const isWide = rows.every(([, right]) => width + right.length <= columns)
  return rows
    .map(([left, right]) =>
      isWide
        ? `  ${left.padEnd(width - 2)}${right}`
        : `${wrap(left, columns, '  ')}\n${wrap(right, columns, indent)}`,
    )
    .join('\n')
}

const indent = ' '.repeat(6)

function fullHelp(columns: number): string {
  const usage = `Usage: tsicorn [FLAGS] [APP]

${wrap(about, columns, '')}

  -h, --help [all|SETTING]
${indent}Print what is usual, or all
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
  const text = `${docOf(name)} [default: ${defaultInWords(name)}]`
  return `${wrap(flagsOf(name), columns, '  ')}\n${wrap(text, columns, indent)}`
}

function flagsOf(name: SettingName): string {
  const { kind } = declarations[name]
  const metavar = kind.metavar && (kind.bare === undefined ? ` ${kind.metavar}` : ` [${kind.metavar}]`)
  return `${spellingsOf(name).join(', ')}${metavar}`
}

function docOf(name: SettingName): string {
  const { doc, available } = declarations[name]
  return `${doc.replaceAll('`', '')}${available === false ? ' Not available yet.' : ''}`
}

function settingHelp(name: SettingName, value: string, origin: string, columns: number): string {
  const { kind, effect } = declarations[name]
  const rows = [
    ...(spellingsOf(name).length === 0 ? [] : [['Flags', flagsOf(name)]]),
    ...(name === 'config' ? [] : [['In a file', `${name}: ${kind.type}`]]),
    ['Default', defaultInWords(name)],
    ['Value now', `${value} (${origin})`],
    ['Takes effect', effect],
  ]
  return `${name}\n\n${wrap(docOf(name), columns, '')}\n\n${rows.map(([what, text]) => `${`${what}:`.padEnd(14)}${text}`).join('\n')}`
}

function hookHelp(name: keyof typeof hookTable, columns: number): string {
  const { args, moment, runs_in, on_error } = hookTable[name]
  const text = `${moment}. It runs in the ${runs_in}; when it throws, ${on_error}.`
  return `${name}(${args.join(', ')})\n\n${wrap(text, columns, '')}`
}

function wrap(text: string, columns: number, margin: string): string {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= columns) lines.push(`${lines.pop()} ${word}`)
    else lines.push(margin + word)
  }
  return lines.join('\n')
}

/** Colours headings, and what can be typed. */
function withColours(page: string): string {
  const paint = (format: 'bold' | 'cyan') => (text: string) =>
    styleText(format, text, { validateStream: false })
  return page
    .replace(/^(?:[A-Z][\w/ ]*:(?= |$)|[a-z\d_]+(?=$|\())/gm, paint('bold'))
    .replace(/(?<=^ {2})(?:-|tsicorn).*?(?= {2}|$)/gm, paint('cyan'))
}
