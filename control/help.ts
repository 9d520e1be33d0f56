/** `tsicornc --help` and the completion scripts, from the tables of commands and options. */

import { Failure } from './client/exit-codes.ts'
import { allCommands, firstWords, type Option, options } from './command-line.ts'

/** All commands with their arguments, and what they do. */
export function usages(): readonly (readonly [usage: string, doc: string])[] {
  return allCommands().map(([name, { args, doc }]) => [args === undefined ? name : `${name} ${args}`, doc])
}

export function helpText(): string {
  const flags = Object.entries<Option>(options).map(([name, { short, value, doc }]) => [
    `${short === undefined ? '   ' : `-${short},`} --${name}${value === undefined ? '' : ` ${value}`}`,
    doc,
  ])
  return [
    'Usage: tsicornc [OPTION]... COMMAND [ARGUMENT]...',
    'Looks at a running tsicorn, and operates it. Without options, it means the only server of this user.',
    '',
    'Commands:',
    ...columns(usages()),
    '',
    'Options:',
    ...columns(flags),
  ].join('\n')
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const width = Math.max(...rows.map(([left = '']) => left.length))
  return rows.map(([left = '', right = '']) => `  ${left.padEnd(width)}  ${right.replaceAll('`', '')}`)
}

/** The script for a shell. Throws a `Failure` for an unknown one. */
export function completionFor(shell: string | undefined): string {
  const words = firstWords()
  const second = new Map<string, string[]>()
  for (const [name, { args = '' }] of allCommands()) {
    const [first = '', more] = name.split(' ')
    const choices = more === undefined ? args.replace(/[[\]]/g, '').split('|') : [more]
    const fixed = choices.filter(choice => /^[a-z]+$/.test(choice))
    if (fixed.length > 0) second.set(first, [...(second.get(first) ?? []), ...fixed])
  }
  const flags = Object.keys(options).map(name => `--${name}`)
  switch (shell) {
    case 'bash':
      return bash(words, second, flags)
    case 'zsh':
      return `autoload -U +X bashcompinit && bashcompinit\n${bash(words, second, flags)}`
    case 'fish':
      return fish(words, second)
  }
  throw new Failure('usage', `completion is for bash, zsh or fish, not ${JSON.stringify(shell ?? '')}`)
}

function bash(
  words: readonly string[],
  second: ReadonlyMap<string, readonly string[]>,
  flags: readonly string[],
) {
  const cases = Array.from(second, ([word, more]) => `    ${word}) words="${more.join(' ')}" ;;`)
  return `_tsicornc() {
  local words="${words.join(' ')}" current=\${COMP_WORDS[COMP_CWORD]}
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
${cases.join('\n')}
  esac
  [[ $current == -* ]] && words="${flags.join(' ')}"
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _tsicornc tsicornc`
}

function fish(words: readonly string[], second: ReadonlyMap<string, readonly string[]>): string {
  const seen = (word: string) => `__fish_seen_subcommand_from ${word}`
  return [
    'complete -c tsicornc -f',
    `complete -c tsicornc -n __fish_use_subcommand -a "${words.join(' ')}"`,
    ...Array.from(second, ([word, more]) => `complete -c tsicornc -n "${seen(word)}" -a "${more.join(' ')}"`),
    ...Object.entries<Option>(options).map(([name, { short, value, doc }]) => {
      const flag = `${short === undefined ? '' : ` -s ${short}`}${value === undefined ? '' : ' -r'}`
      return `complete -c tsicornc -l ${name}${flag} -d '${doc.replaceAll("'", '')}'`
    }),
  ].join('\n')
}
