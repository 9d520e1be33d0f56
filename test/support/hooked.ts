/** Configurations with hooks, and what their hooks have said in the log. */
import { hookTable } from '../../hooks/table.ts'
import { type LaunchOptions, launch, launchShared, type Tsicorn } from './tsicorn.ts'

/** Hooks by name, each as the text of a function. */
export type HookTexts = Readonly<Record<string, string>>

/** The text of a `tsicorn.config.mjs`. */
export function configWith(hooks: HookTexts, settings: Readonly<Record<string, unknown>> = {}): string {
  const all = { app: './app.mjs', bind: '127.0.0.1:0', ...settings }
  const keys = Object.entries(hooks).map(([name, text]) => `  ${name}: ${text},\n`)
  return `export default {\n  ...${JSON.stringify(all)},\n${keys.join('')}}\n`
}

/** Starts a server whose hooks are these texts; its app answers with `alive` unless another one is in `files`. */
export function launchHooked(hooks: HookTexts, options: LaunchOptions = {}): Tsicorn {
  return launch(hooked(hooks, options))
}

/** The same, for all tests of a file that want such a one. */
export async function shareHooked(hooks: HookTexts, options: LaunchOptions = {}): Promise<Tsicorn> {
  return await launchShared(hooked(hooks, options))
}

function hooked(hooks: HookTexts, { args = [], files = {}, ...options }: LaunchOptions): LaunchOptions {
  return {
    ...options,
    args: ['--log-level', 'debug', ...args],
    files: {
      'app.mjs': `export default (_req, res) => res.end('alive')\n`,
      'tsicorn.config.mjs': configWith(hooks),
      ...files,
    },
  }
}

/** Every hook says its name, what worker it is about, and the process that it runs in. */
export const talkative: HookTexts = Object.fromEntries(
  Object.entries(hookTable).map(([name, declaration]) => {
    const args: readonly string[] = declaration.args
    const about = args.includes('worker') ? `' of worker ' + worker.age + ` : ''
    const log = args.includes('server') ? 'server.log' : args.includes('worker') ? 'worker.log' : 'console'
    return [
      name,
      `(${args.join(', ')}) => ${log}.info('hook ${name}' + ${about}' in process ' + process.pid)`,
    ]
  }),
)

/** The text of a hook with these parameters that logs a value by one of them; `said` reads it back. */
export function tell(args: string, log: 'server' | 'worker', value: string): string {
  return `(${args}) => ${log}.log.info('told ' + JSON.stringify(${value}))`
}

/** Waits for the next value that a hook tells. */
export async function said(server: Tsicorn): Promise<unknown> {
  const [, json] = await server.says(/told (.*)\n/)
  return JSON.parse(json as string)
}

export interface Heard {
  readonly name: string
  /** The age of the worker it was about, where it was about one. */
  readonly about: number | undefined
  /** `arbiter`, or the age of the worker that it ran in. */
  readonly where: 'arbiter' | number
}

/** What talkative hooks have said so far, in order. */
export function heard(server: Tsicorn): Heard[] {
  const ages = new Map(
    Array.from(server.log.matchAll(/Booting worker (\d+) \(pid (\d+)\)/g), ([, age, pid]) => [
      Number(pid),
      Number(age),
    ]),
  )
  const lines = server.log.matchAll(/\[(\d+)\] \[INFO\] hook (\w+)(?: of worker (\d+))? in process (\d+)\n/g)
  return Array.from(lines, ([line, logged, name, about, pid]) => {
    if (logged !== pid) throw new Error(`The log names another process than the hook: ${line}`)
    const where = Number(pid) === server.pid ? 'arbiter' : ages.get(Number(pid))
    if (where === undefined) throw new Error(`A process that is neither arbiter nor worker: ${line}`)
    return { name: name as string, about: about === undefined ? undefined : Number(about), where }
  })
}

/** `child_exit of 1 in arbiter` */
export function sentence({ name, about, where }: Heard): string {
  return `${name}${about === undefined ? '' : ` of ${about}`} in ${where}`
}
