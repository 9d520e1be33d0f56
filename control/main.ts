/** The command `tsicornc`: finds the server, asks it, and prints the answer. */
import { readFileSync } from 'node:fs'
import { exitCodes, Failure } from './client/exit-codes.ts'
import { findAll, findOne, type Instance, within } from './client/instances.ts'
import { type Given, type Invocation, parse } from './command-line.ts'
import { completionFor, helpText } from './help.ts'
import { clean, cleanLines } from './print/clean.ts'
import { type Event, eventLine, tellLine } from './print/events.ts'
import {
  allText,
  configText,
  listenersText,
  listText,
  reloadedText,
  scaledText,
  statsText,
  workersText,
} from './print/show.ts'
import type { Everything, ListenerRow, LogEntry, Stats, WorkerRow } from './protocol/messages.ts'
import { upgrade } from './upgrade.ts'

/** Runs the command with these arguments, and sets `process.exitCode`. */
export async function main(argv: readonly string[]): Promise<void> {
  // Whoever reads the output may have seen enough, as `head` has: what is under way goes on.
  process.stdout.on('error', () => undefined)
  try {
    await run(parse(argv))
  } catch (error) {
    const { exit, message } =
      error instanceof Failure ? error : { exit: 'failed' as const, message: String(error) }
    process.stderr.write(`tsicornc: ${cleanLines(message)}\n`)
    process.exitCode = exitCodes[exit].code
  }
}

async function run(invocation: Invocation): Promise<void> {
  const { command, args, given, timeout } = invocation
  if (given.help || command === 'help') return say(helpText())
  if (given.version || command === 'version') return say(`tsicornc ${version()}`)
  if (command === 'completion') return say(completionFor(args[0]))
  if (command === 'list') return await list(given, timeout)
  // What it needs of a terminal is loaded only here.
  if (command === 'top') return await (await import('./top/top.ts')).top(given, timeout)
  const instance = await findOne({ ...given, patience: timeout })
  const late = new Failure(
    'timeout',
    `There is no outcome after ${timeout} s, and the server goes on with it`,
  )
  const done = operate(instance, invocation)
  try {
    // An upgrade that takes too long is taken back.
    const endsByItself = timeout === undefined || command === 'upgrade'
    await (endsByItself ? done : within(timeout * 1_000, done, late))
  } finally {
    instance.client.close()
  }
}

async function list({ json }: Given, timeout: number | undefined): Promise<void> {
  const { instances } = await findAll(timeout)
  for (const { client } of instances) client.close()
  say(
    json
      ? JSON.stringify(instances.map(({ hello }) => hello))
      : listText(instances.map(({ hello }) => ({ hello: clean(hello) }))),
  )
}

async function operate(
  instance: Instance,
  { command, args, given, timeout, bake = 5 }: Invocation,
): Promise<void> {
  const { client } = instance
  const { json } = given
  const asked = command === 'status' ? 'show all' : command
  const printer = printers[asked]
  const isStream = asked === 'events' || asked === 'logs'
  if (isStream) process.stdout.once('error', () => process.exit(exitCodes.ok.code))
  switch (asked) {
    case 'events':
      await client.ask('events', [], data =>
        say(json ? JSON.stringify(data) : eventLine(cleanLines(data as Event))),
      )
      return
    case 'logs':
      return await logs(instance, given)
    case 'upgrade': {
      const pid = await upgrade(instance, { bake, timeout, tell: json ? () => undefined : say })
      return say(json ? JSON.stringify({ new_arbiter: pid }) : `Upgraded: pid ${pid}`)
    }
  }
  const data = await client.ask(asked, args, progress => {
    if (!json && asked === 'reload') say(eventLine(cleanLines(progress as Event)))
  })
  if (asked === 'shutdown') await client.closed
  say(json ? JSON.stringify(data) : (printer?.(clean(data) as never) ?? 'Done'))
}

/** How answers are printed for people. */
const printers: Readonly<Record<string, (data: never) => string>> = {
  'show all': (data: Everything) => allText(data),
  'show workers': ({ workers }: { workers: readonly WorkerRow[] }) => workersText(workers),
  'show listeners': ({ listeners }: { listeners: readonly ListenerRow[] }) => listenersText(listeners),
  'show stats': (data: Stats) => statsText(data),
  'show config': configText,
  'show dirty': () => 'There are no dirty workers: tsicorn does not have them',
  'worker add': scaledText,
  'worker remove': scaledText,
  'worker kill': ({ killed }: { killed: number }) =>
    `Worker with pid ${killed} leaves when another one has taken its place`,
  scale: scaledText,
  reload: reloadedText,
  wait: () => 'Ready',
  shutdown: () => 'Stopped',
  'upgrade back': () => 'The new arbiter is gone',
  reopen: () => 'The logs are open again',
}

async function logs({ client }: Instance, { follow, worker, level, json }: Given): Promise<void> {
  const least = level === undefined ? 0 : levels.indexOf(level)
  if (least === -1)
    throw new Failure('usage', `--level is one of ${levels.join(', ')}, not ${JSON.stringify(level)}`)
  const pid = worker === undefined ? undefined : await pidOf(client, worker)
  await client.ask('logs', follow ? ['follow'] : [], data => {
    const line = data as LogEntry
    if (levels.indexOf(line.level) < least || (pid !== undefined && line.pid !== pid)) return
    say(json ? JSON.stringify(line) : tellLine(cleanLines(line)))
  })
}

const levels: readonly string[] = ['debug', 'info', 'warning', 'error', 'critical']

async function pidOf(client: Instance['client'], age: string): Promise<number> {
  const { workers } = (await client.ask('show workers')) as { workers: readonly WorkerRow[] }
  const pid = workers.find(worker => String(worker.age) === age)?.pid
  if (typeof pid === 'number') return pid
  const ages = workers.map(worker => worker.age).join(', ')
  throw new Failure('failed', `There is no worker ${JSON.stringify(age)}: the ages are ${ages}`)
}

function version(): string {
  const file = new URL('../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
