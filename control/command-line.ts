/** The command line of `tsicornc`. Help, completion and the reference are made from these tables. */
import { parseArgs } from 'node:util'
import { Failure } from './client/exit-codes.ts'
import { type Command, commands, findCommand } from './protocol/commands.ts'

export interface Option {
  readonly short?: string
  /** The value in words; without one, the option is a switch. */
  readonly value?: string
  readonly doc: string
}

export const options = {
  socket: { short: 's', value: 'PATH', doc: 'The server with this control socket' },
  pid: { short: 'p', value: 'PID', doc: 'The server with this process id' },
  name: { short: 'n', value: 'NAME', doc: 'The server with this name (proc_name, else the app as given)' },
  pidfile: { value: 'FILE', doc: 'The server whose process id is in this file' },
  json: { short: 'j', doc: 'Print JSON; streams print one object per line' },
  timeout: {
    value: 'SECONDS',
    doc: 'Give up waiting for an outcome after this long; top: for the next answer',
  },
  bake: {
    value: 'SECONDS',
    doc: 'upgrade: watch the new arbiter this long before the old one leaves; 5 by default',
  },
  follow: { short: 'f', doc: 'logs: go on with the lines to come' },
  worker: { value: 'AGE', doc: 'logs: only lines of the worker with this age' },
  level: { value: 'LEVEL', doc: 'logs: only lines of this level or a more severe one' },
  help: { short: 'h', doc: 'This page' },
  version: { short: 'v', doc: 'The version of tsicornc' },
} as const satisfies Readonly<Record<string, Option>>

type OptionName = keyof typeof options

/** The options as given. */
export type Given = {
  readonly [Name in OptionName]?: (typeof options)[Name] extends { value: string } ? string : true
}

/** The commands that only this program knows, beside those of the protocol. */
export const ownCommands = {
  list: { doc: 'All servers of this user' },
  status: { doc: 'The server, its workers and addresses; the same as `show all`' },
  top: { doc: 'A live view of the server in the terminal, with keys to scale and reload; `?` lists them' },
  completion: { args: 'bash|zsh|fish', doc: 'Print a completion script for this shell' },
} as const

/** All commands by name, those of this program first. `hello` is for programs. */
export function allCommands(): readonly [string, Command][] {
  const served = Object.entries<Command>(commands).filter(([name]) => name !== 'hello')
  return [...Object.entries<Command>(ownCommands), ...served]
}

/** The first words of all commands. */
export function firstWords(): readonly string[] {
  return [...new Set(allCommands().map(([name]) => name.split(' ')[0] as string))]
}

export interface Invocation {
  readonly command: string
  readonly args: readonly string[]
  readonly given: Given
  /** In seconds. */
  readonly timeout: number | undefined
  readonly bake: number | undefined
}

/** What these arguments ask for. Throws a `Failure`. */
export function parse(argv: readonly string[]): Invocation {
  const { values, positionals } = parseStrictly(argv)
  const given = values as Given
  const timeout = seconds('timeout', given.timeout)
  const bake = seconds('bake', given.bake)
  if (given.socket === '') throw new Failure('usage', '--socket takes a path, and this one is empty')
  const [first = ''] = positionals
  const found = Object.hasOwn(ownCommands, first)
    ? { name: first, args: positionals.slice(1) }
    : findCommand(positionals)
  if (found !== undefined) {
    checkArguments(found.name, found.args)
    return { command: found.name, args: found.args, given, timeout, bake }
  }
  if (positionals.length === 0)
    return { command: given.version ? 'version' : 'help', args: [], given, timeout, bake }
  const known = firstWords().join(', ')
  throw new Failure(
    'usage',
    `${positionals.join(' ')} is no command: the commands are ${known}: see tsicornc --help`,
  )
}

/** Each command takes one argument at most; in brackets, it may be left out. */
function checkArguments(name: string, args: readonly string[]): void {
  const table: Readonly<Record<string, Command>> = { ...commands, ...ownCommands }
  const { args: wanted = '' } = table[name] as Command
  const [extra] = args.slice(wanted === '' ? 0 : 1)
  if (extra !== undefined) throw new Failure('usage', `${name} does not take ${JSON.stringify(extra)}`)
  if (args.length === 0 && wanted !== '' && !wanted.startsWith('['))
    throw new Failure('usage', `${name} needs an argument: ${name} ${wanted}`)
}

function parseStrictly(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: Object.fromEntries(
        Object.entries<Option>(options).map(([name, { short, value }]) => [
          name,
          { type: value === undefined ? 'boolean' : 'string', ...(short === undefined ? {} : { short }) },
        ]),
      ),
    })
  } catch (error) {
    throw new Failure('usage', `${(error as Error).message}: see tsicornc --help`)
  }
}

function seconds(name: 'timeout' | 'bake', text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const number = Number(text)
  if (text.trim() !== '' && number >= 0 && number <= 86_400) return number
  throw new Failure('usage', `--${name} takes seconds, 0 to 86400, not ${JSON.stringify(text)}`)
}
