/** The trial of an application: served by Node alone, then by tsicorn, with three reloads and a stop under load. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../free-port.ts'
import { type Application, commandOf, versionOf, withPort } from './application.ts'
import { environmentOf } from './environment.ts'
import { answerTo, isAnswered, Load, type Question } from './load.ts'
import { Program } from './program.ts'

export interface Tools {
  readonly node: string
  /** The command of the installed tsicorn. */
  readonly tsicorn: string
}

export interface Row {
  readonly name: string
  readonly version: string
  readonly command: string
  readonly answered: number
  readonly failed: number
  readonly reloads: number
  /** From TERM to the exit. */
  readonly drainSeconds: number | undefined
  /** Empty if it is served correctly. */
  readonly faults: readonly string[]
}

const startMs = 60_000
const stopMs = 60_000
const reloads = 3
/** How many requests are answered between two events. */
const between = 150

export async function tryApplication(application: Application, folder: string, tools: Tools): Promise<Row> {
  try {
    await serveWithNode(application, folder, tools)
    return { ...titleOf(application), ...(await serveWithTsicorn(application, folder, tools)) }
  } catch (error) {
    return notServed(application, (error as Error).message)
  }
}

/** The row of an application that was not served up to its stop. */
export function notServed(application: Application, fault: string): Row {
  const none = { answered: 0, failed: 0, reloads: 0, drainSeconds: undefined }
  return { ...titleOf(application), ...none, faults: [fault] }
}

function titleOf(application: Application): Pick<Row, 'name' | 'version' | 'command'> {
  return { name: application.name, version: versionOf(application), command: commandOf(application) }
}

/** The yardstick: an application that Node alone does not serve is not tried. */
async function serveWithNode(application: Application, folder: string, { node }: Tools): Promise<void> {
  const port = await freePort()
  const { start, yardstick = start } = application
  const env = environmentFor(application, folder, node, port)
  const program = new Program(node, withPort(yardstick, port), { cwd: folder, env })
  try {
    await untilAnswered({ port, path: application.path ?? '/', says: application.says }, program)
  } catch (error) {
    throw new Error(`not with node either: ${(error as Error).message}\n${endOf(program.said)}`)
  } finally {
    await program.end('SIGTERM', 2_000)
  }
}

async function serveWithTsicorn(
  application: Application,
  folder: string,
  { node, tsicorn }: Tools,
): Promise<Omit<Row, 'name' | 'version' | 'command'>> {
  const port = await freePort()
  const { options = [], start, path = '/', says } = application
  const [app, ...rest] = withPort(start, port)
  const logfile = join(folder, 'tsicorn.log')
  const more = rest.length > 0 ? ['--', ...rest] : []
  const program = new Program(
    node,
    [tsicorn, '-w', '2', '--error-logfile', logfile, ...withPort(options, port), app, ...more],
    { cwd: folder, env: environmentFor(application, folder, node, port) },
  )
  const log = new Log(logfile, program)
  try {
    await log.says(/Running: 2 workers/)
    await untilAnswered({ port, path, says }, program)
    const load = new Load({ port, path, says })
    await load.more(between)
    let done = 0
    for (; done < reloads; done += 1) {
      program.signal('SIGHUP')
      await log.says(new RegExp(`Reload ${done + 1}: generation \\d+ serves`))
      await load.more(between)
    }
    const begin = performance.now()
    load.serverStops()
    const { code, signal } = await program.end('SIGTERM', stopMs)
    const drainSeconds = (performance.now() - begin) / 1_000
    await load.end()
    const badEnd = code === 0 ? [] : [`ended with ${signal ?? `code ${code}`}`]
    const faults = [...badEnd, ...log.faults, ...summary(load.failures)]
    return { answered: load.answered, failed: load.failures.length, reloads: done, drainSeconds, faults }
  } catch (error) {
    await program.end('SIGTERM', 2_000)
    throw new Error(`${(error as Error).message}\n${endOf(log.text)}${endOf(program.said)}`)
  }
}

function environmentFor(application: Application, folder: string, node: string, port: number) {
  const own = Object.entries(application.env ?? {})
  const [values, names] = [
    withPort(
      own.map(([, value]) => value),
      port,
    ),
    own.map(([name]) => name),
  ]
  return {
    ...environmentOf(folder, node),
    ...Object.fromEntries(names.map((name, at) => [name, values[at]])),
  }
}

async function untilAnswered(question: Question, program: Program): Promise<void> {
  for (const due = performance.now() + startMs; !(await isAnswered(question)); await sleep(100)) {
    if (program.hasEnded) throw new Error('it ended before it answered')
    if (performance.now() > due) throw new Error(`it answers ${await answerTo(question)}`)
  }
}

function endOf(text: string): string {
  return text.slice(-3_000)
}

/** The first failure of each kind, with its count. */
function summary(failures: readonly string[]): string[] {
  const kinds = new Map<string, number>()
  for (const failure of failures) kinds.set(failure, (kinds.get(failure) ?? 0) + 1)
  return [...kinds].slice(0, 5).map(([failure, count]) => `${count} times ${failure}`)
}

/** tsicorn's own log, separate from the app's output. */
class Log {
  readonly #path: string
  readonly #program: Program

  constructor(path: string, program: Program) {
    this.#path = path
    this.#program = program
  }

  get text(): string {
    return existsSync(this.#path) ? readFileSync(this.#path, 'utf8') : ''
  }

  /** Lines with errors, and what the app left unfinished at its end. */
  get faults(): string[] {
    const lines = this.text.split('\n')
    return lines.filter(line => /\[(ERROR|CRITICAL)\]|graceful_timeout/.test(line)).slice(0, 5)
  }

  async says(words: RegExp): Promise<void> {
    for (const due = performance.now() + startMs; !words.test(this.text); await sleep(50)) {
      if (this.#program.hasEnded) throw new Error(`tsicorn ended without saying ${words}`)
      if (/Reload \d+ failed/.test(this.text)) throw new Error('a reload failed')
      if (performance.now() > due) throw new Error(`tsicorn did not say ${words}`)
    }
  }
}
