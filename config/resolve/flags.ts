/** Parses the command line to values of settings, each with the flag that it came from. */
import type { Problem } from '../load/config-error.ts'
import { otherFlags, whyNoCommand } from '../other-tools.ts'
import { declarations, type SettingName, settingNames } from '../table.ts'
import type { Given, Layer } from './layers.ts'
import { missing, whyMissing } from './missing.ts'
import { nearest } from './spelling.ts'

export interface ParsedFlags {
  readonly given: Layer
  /** Flags that are not settings. */
  readonly asked: ReadonlySet<'help' | 'version' | 'json'>
  /** The topic of `--help`. */
  readonly topic?: string
  /** Arguments that cannot be parsed; exit code 2. */
  readonly problems: readonly Problem[]
  /** Gunicorn flags without a counterpart here. */
  readonly missing: readonly Problem[]
}

type Flag =
  | { readonly sets: SettingName; readonly value?: boolean }
  | { readonly asks: 'help' | 'version' | 'json' }
  | { readonly missing: string; readonly takesValue: boolean }

const flags: ReadonlyMap<string, Flag> = new Map([
  ...settingNames.flatMap(flagsOf),
  ...Object.entries(missing).flatMap(([name, { flags: spellings, value = false }]) =>
    spellings.map((spelling): [string, Flag] => [spelling, { missing: name, takesValue: value }]),
  ),
  ['-h', { asks: 'help' }],
  ['--help', { asks: 'help' }],
  ['-v', { asks: 'version' }],
  ['--version', { asks: 'version' }],
  ['--json', { asks: 'json' }],
])

function flagsOf(name: SettingName): [string, Flag][] {
  const { kind, flag, short, also = [] } = declarations[name]
  const spellings = [flag, short, ...also].filter(spelling => spelling !== undefined)
  const on = spellings.map((spelling): [string, Flag] => [
    spelling,
    kind.switch ? { sets: name, value: true } : { sets: name },
  ])
  const off =
    flag === undefined || !kind.switch
      ? []
      : [[`--no-${flag.slice(2)}`, { sets: name, value: false }] as [string, Flag]]
  return [...off, ...on]
}

/**
 * Parses arguments, without the program itself.
 *
 * @param origin replaces the flags as the origin of problems and values; then an application is ignored
 */
export function parseFlags(argv: readonly string[], origin?: string): ParsedFlags {
  const given = new Map<SettingName, Given>()
  const asked = new Set<'help' | 'version' | 'json'>()
  const problems: Problem[] = []
  const absent: Problem[] = []
  const rest = [...argv]
  let operand: string | undefined
  let topic: string | undefined

  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    if (argument === '--') given.set('app_args', { value: rest.splice(0), origin: origin ?? '--' })
    else if (argument.startsWith('-') && argument !== '-') takeFlag(argument)
    else takeOperand(argument)
  }
  if (operand !== undefined) given.set('app', { value: operand, origin: 'APP' })
  return { given, asked, problems, missing: absent, ...(topic === undefined ? {} : { topic }) }

  function refuse(message: string, flag?: string): void {
    const place = origin ?? flag
    problems.push(place === undefined ? { message } : { origin: place, message })
  }

  function takeOperand(text: string): void {
    if (origin !== undefined) return
    if (operand === undefined) operand = text
    else
      refuse(
        whyNoCommand(operand) ??
          `Cannot serve two applications, ${JSON.stringify(operand)} and ${JSON.stringify(text)}: name one`,
      )
  }

  function takeFlag(argument: string): void {
    const { spelling, attached } = splitFlag(argument)
    const flag = flags.get(spelling)
    if (flag === undefined) {
      refuse(`${spelling} is not a flag: ${hintFor(spelling)}`)
      // Otherwise its value would be taken for an application, and cause another error.
      if (attached === undefined && isValue(rest[0])) rest.shift()
    } else if ('asks' in flag && flag.asks === 'help') {
      asked.add('help')
      topic = attached ?? (isTopic(rest[0]) ? rest.shift() : undefined)
    } else if ('sets' in flag && flag.value === undefined) takeValue(flag.sets, spelling, attached)
    else if ('missing' in flag) {
      absent.push({
        ...(origin === undefined ? {} : { origin }),
        message: whyMissing(flag.missing, spelling),
      })
      if (flag.takesValue && attached === undefined && isValue(rest[0])) rest.shift()
    } else {
      if ('sets' in flag) given.set(flag.sets, { value: flag.value, origin: origin ?? spelling })
      else asked.add(flag.asks)
      // Short flags may be combined: -DR.
      if (attached !== undefined && !spelling.startsWith('--') && !argument.includes('='))
        rest.unshift(`-${attached}`)
      else if (attached !== undefined) refuse(`${spelling} takes no value, not ${JSON.stringify(attached)}`)
    }
  }

  function takeValue(name: SettingName, spelling: string, attached: string | undefined): void {
    const { kind } = declarations[name]
    const next = attached ?? rest[0]
    const bare =
      kind.bare !== undefined && attached === undefined && kind.read(kind.fromText(next ?? '')) === undefined
    if (!bare && !(attached !== undefined || isValue(next))) {
      refuse(`${spelling} needs a value: write ${spelling} ${kind.metavar}`)
      return
    }
    const text = bare ? kind.bare! : next!
    if (!bare && attached === undefined) rest.shift()
    const value = kind.fromText(text)
    const earlier = given.get(name)
    const all =
      kind.repeats && Array.isArray(earlier?.value)
        ? [...earlier.value, value]
        : kind.repeats
          ? [value]
          : value
    if (kind.read(kind.repeats ? [value] : value) === undefined) {
      refuse(`${name} must be ${kind.expects}, not ${JSON.stringify(text)}`, spelling)
    } else given.set(name, { value: all, origin: origin ?? spelling })
  }
}

/** A word or a flag, but not an application. */
function isTopic(argument: string | undefined): boolean {
  return argument !== undefined && (flags.has(argument) || /^[a-z][\w-]*$/i.test(argument))
}

function hintFor(spelling: string): string {
  if (Object.hasOwn(otherFlags, spelling)) return otherFlags[spelling] as string
  const near = spelling.startsWith('--') ? nearest(spelling, [...flags.keys()]) : undefined
  return near === undefined ? 'see tsicorn --help' : `did you mean ${near}?`
}

/** `-` is a value (a log on standard output), and so is a negative number, which its kind then rejects. */
function isValue(argument: string | undefined): argument is string {
  return argument !== undefined && (!argument.startsWith('-') || /^-(\d.*)?$/.test(argument))
}

/** `--flag=value`, `-w4` and `-w=4` in two parts. */
function splitFlag(argument: string): { readonly spelling: string; readonly attached: string | undefined } {
  if (argument.startsWith('--')) {
    const at = argument.indexOf('=')
    return at < 0
      ? { spelling: argument, attached: undefined }
      : { spelling: argument.slice(0, at), attached: argument.slice(at + 1) }
  }
  const attached = argument.slice(2).replace(/^=/, '')
  return { spelling: argument.slice(0, 2), attached: argument.length > 2 ? attached : undefined }
}
