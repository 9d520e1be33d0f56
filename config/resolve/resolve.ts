/** Resolves the configuration: default < file < TSICORN_CMD_ARGS < command line. */
import { existsSync, readdirSync } from 'node:fs'
import { isAbsolute, join, parse, relative, resolve as resolvePath } from 'node:path'
import type { Hooks } from '../../hooks/table.ts'
import { within } from '../../hooks/time-limit.ts'
import { topicNamed } from '../describe.ts'
import { splitWords } from '../kinds/split-words.ts'
import { ConfigError, type Problem } from '../load/config-error.ts'
import {
  type ConfigContext,
  configTimedOut,
  findConfig,
  loadConfig,
  namedConfig,
  wouldRunCode,
} from '../load/file.ts'
import { whyNoCommand } from '../other-tools.ts'
import { declarations, type Settings } from '../table.ts'
import { findWorkerUser, type WorkerUser } from './account.ts'
import { checkSettings } from './check.ts'
import { checkTls } from './check-tls.ts'
import { checkWorkerClass } from './check-worker-class.ts'
import { type ParsedFlags, parseFlags } from './flags.ts'
import { hintFor, type Keys, sortKeys } from './keys.ts'
import { mergeLayers, type Sources } from './layers.ts'
import { type Parsed, parseSettings } from './parsed.ts'

export type { Sources }

export interface Resolved {
  readonly command: 'serve' | 'check' | 'print' | 'help' | 'version'
  /** Print as JSON. */
  readonly json: boolean
  /** The topic of `--help`. */
  readonly topic?: string
  /** The settings as they were given, or their defaults. */
  readonly settings: Settings
  /** What they say. */
  readonly parsed: Parsed
  readonly hooks: Hooks
  /** The origin of each value and hook: `default`, a flag, `APP`, a variable, or the file. */
  readonly origins: Readonly<Record<string, string>>
  /** The user that workers run as, if `user` or `group` is set. */
  readonly owner?: WorkerUser
  /** The configuration file, absolute. */
  readonly file?: string
  /** That file and everything that it imported, absolute. */
  readonly files: readonly string[]
}

/**
 * Resolves all settings and hooks.
 *
 * @throws ConfigError with all problems at once
 */
export async function resolve(sources: Sources): Promise<Resolved> {
  const own = parseFlags(sources.argv)
  if (own.asked.has('help') || own.asked.has('version')) {
    const command = own.asked.has('help') ? 'help' : 'version'
    const { topic } = own
    const found = { command, json: false, hooks: {}, files: [] } as const
    if (topic === undefined) return { ...found, ...mergeAndParse([], { ...sources, env: {} }) }
    if (topicNamed(topic) === undefined)
      throw new ConfigError([{ message: `${topic} is not a setting: ${hintFor(topic)}` }], 2)
    // Their problems are not what was asked for.
    const shared = parseVariable(sources.env.TSICORN_CMD_ARGS)
    const file = await readFile(own, shared, sources)
    return { ...found, topic, ...mergeAndParse([file.given, shared.given, own.given], sources) }
  }
  const shared = parseVariable(sources.env.TSICORN_CMD_ARGS)
  const misunderstood = [
    ...shared.problems,
    ...own.problems,
    ...misplacedJson(own, shared),
    ...foreignCommand(own, sources.cwd),
  ]
  if (misunderstood.length > 0) throw new ConfigError(misunderstood, 2)

  const file = await readFile(own, shared, sources)
  const layers = [file.given, shared.given, own.given]
  const { settings, parsed, origins, problems } = mergeAndParse(layers, sources)
  const accounts = await findWorkerUser(settings, origins)
  const all = [
    ...shared.missing,
    ...own.missing,
    ...file.problems,
    ...problems,
    ...checkSettings(settings, origins),
    ...(settings.worker_class === 'exec' ? [] : checkTls(settings, file.hooks, origins)),
    ...checkWorkerClass(settings, file.hooks, origins),
    ...accounts.problems,
  ]
  const command = commandOf(settings.print_config, settings.check_config)
  // The application may be named in a file that cannot be read.
  if (settings.app === null && settings.worker_class !== 'exec' && command !== 'print' && !file.failed)
    all.push(noApp)
  if (all.length > 0) throw new ConfigError(all)

  const json = own.asked.has('json') || shared.asked.has('json')
  const { hooks, files, path } = file
  const owner = accounts.owner === undefined ? {} : { owner: accounts.owner }
  if (path === undefined) return { command, json, settings, parsed, hooks, origins, files, ...owner }
  const hookOrigins = Object.fromEntries(Object.keys(hooks).map(name => [name, nameOf(path, sources.cwd)]))
  return {
    command,
    json,
    settings,
    parsed,
    hooks,
    origins: { ...origins, ...hookOrigins },
    files,
    file: path,
    ...owner,
  }
}

function mergeAndParse(layers: Parameters<typeof mergeLayers>[0], sources: Sources) {
  const { settings, origins, problems } = mergeLayers(layers, sources)
  const { parsed, problems: unparsed } = parseSettings(settings, origins)
  return { settings, parsed, origins, problems: [...problems, ...unparsed] }
}

const noApp: Problem = {
  message: 'No application named: write tsicorn ./app.ts, or set app in tsicorn.config.ts',
}

/** Splits the variable as a shell would; an application in it is ignored, as in Gunicorn. */
function parseVariable(text = ''): ParsedFlags {
  const origin = 'TSICORN_CMD_ARGS'
  const split = splitWords(text)
  if ('words' in split) return parseFlags(split.words, origin)
  const message = `Cannot split ${JSON.stringify(text)} into words: ${split.unclosed} has nothing that ends it`
  return { ...parseFlags([], origin), problems: [{ origin, message }] }
}

function misplacedJson(own: ParsedFlags, shared: ParsedFlags): readonly Problem[] {
  const prints = own.given.has('print_config') || shared.given.has('print_config')
  if (prints || !(own.asked.has('json') || shared.asked.has('json'))) return []
  return [{ origin: '--json', message: 'Only --print-config has a form in JSON: add --print-config' }]
}

/** Finds sub-commands of other tools, unless there is a file or package of that name. */
function foreignCommand(own: ParsedFlags, cwd: string): readonly Problem[] {
  const { value, origin } = own.given.get('app') ?? {}
  const message = origin === 'APP' ? whyNoCommand(String(value)) : undefined
  // Two operands were already rejected.
  if (message === undefined || own.problems.length > 0) return []
  const isThere =
    readdirSync(cwd).some(name => parse(name).name === value) ||
    existsSync(join(cwd, 'node_modules', String(value)))
  return isThere ? [] : [{ message }]
}

function commandOf(prints: unknown, checks: unknown): ConfigContext['command'] {
  return prints === true ? 'print' : checks === true ? 'check' : 'serve'
}

interface ReadFile extends Keys {
  readonly path?: string
  readonly files: readonly string[]
  readonly failed: boolean
}

const nothing: ReadFile = { given: new Map(), hooks: {}, problems: [], files: [], failed: false }

async function readFile(own: ParsedFlags, shared: ParsedFlags, sources: Sources): Promise<ReadFile> {
  const { cwd, env, tryConfig } = sources
  const asked = (name: 'config' | 'print_config' | 'check_config' | 'hook_timeout') =>
    (own.given.get(name) ?? shared.given.get(name))?.value
  const named = asked('config')
  try {
    const path = typeof named === 'string' && named ? namedConfig(named, cwd) : findConfig(cwd)
    if (path === undefined) return nothing
    const origin = nameOf(path, cwd)
    const command = commandOf(asked('print_config'), asked('check_config'))
    // The limit in the file itself is not known before it is loaded.
    const seconds = Number(asked('hook_timeout') ?? declarations.hook_timeout.default)
    const trial = { path, origin, context: { command, env }, cwd, seconds }
    if (wouldRunCode(path)) await tryConfig?.(trial)
    const loaded = loadConfig(path, trial.context, origin)
    const { config, files } = await within(seconds * 1_000, loaded, () => configTimedOut(trial))
    return { ...sortKeys(config, origin), path, files, failed: false }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { ...nothing, problems: error.problems, failed: true }
  }
}

function nameOf(path: string, cwd: string): string {
  const near = relative(resolvePath(cwd), path)
  return near.startsWith('..') || isAbsolute(near) ? path : near
}
