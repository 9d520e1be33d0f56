/** Finds the servers of this user, and the one that a command is for. */
import { readdirSync, readFileSync, unlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { socketFolders, socketName } from '../protocol/folders.ts'
import type { Hello } from '../protocol/messages.ts'
import { Client } from './client.ts'
import { Failure } from './exit-codes.ts'

/** How the command line names a server; nothing for the only one. */
export interface Wanted {
  readonly socket?: string | undefined
  readonly pid?: string | undefined
  readonly name?: string | undefined
  readonly pidfile?: string | undefined
  /** How long it may take to say who it is, in seconds; never more than five. */
  readonly patience?: number | undefined
}

export interface Instance {
  readonly client: Client
  readonly hello: Hello
}

interface Found {
  readonly instances: readonly Instance[]
  /** Others that may be servers as well, and why they cannot be asked. */
  readonly silent: readonly { readonly path: string; readonly failure: Failure }[]
}

/** All servers whose sockets are in a usual folder, by process id. The caller closes their clients. */
export async function findAll(patience?: number): Promise<Found> {
  const met = await Promise.all(
    socketPaths().map(async path => {
      const instance = await meetAsNamed(path, patience).catch((failure: Failure) => ({ path, failure }))
      return instance ?? []
    }),
  )
  const all = met.flat()
  return {
    instances: all.filter(one => 'hello' in one).sort((a, b) => a.hello.pid - b.hello.pid),
    silent: all.filter(one => 'failure' in one).filter(({ failure: { exit } }) => exit !== 'unknown'),
  }
}

/** The server that is wanted; rejects with a `Failure` unless there is exactly one. */
export async function findOne(wanted: Wanted): Promise<Instance> {
  if (wanted.socket !== undefined) return await meet(wanted.socket, wanted.patience)
  const pid = wanted.pidfile === undefined ? wanted.pid : pidFrom(wanted.pidfile)
  const { instances: all, silent } = await findAll(wanted.patience)
  const matching = all.filter(
    ({ hello }) => isMatch(pid, String(hello.pid)) && isMatch(wanted.name, hello.name),
  )
  const [only, ...others] = matching
  if (only !== undefined && others.length === 0) {
    for (const { client } of all) if (client !== only.client) client.close()
    return only
  }
  for (const { client } of all) client.close()
  if (only !== undefined) throw severalOf(matching)
  // It may be one of those that do not answer; one that nobody has named may have ended meanwhile.
  const isIts = ({ path, failure }: (typeof silent)[number]) =>
    pid === undefined ? failure.exit !== 'lost' : basename(path) === `${pid}.sock`
  throw silent.find(isIts)?.failure ?? noneOf(wanted, pid, all)
}

/**
 * The new arbiter. A usual socket has the process id as its name, one that was configured `.2` at its end until the
 * promotion, and a link in the usual folder.
 */
export async function findNewArbiter(path: string, before: number, after: number): Promise<Instance> {
  const name = socketName(before)
  const socket = path.endsWith(`/${name}`) ? path.slice(0, -name.length) + socketName(after) : `${path}.2`
  for (const wanted of [{ socket }, { pid: String(after) }]) {
    const found = await findOne(wanted).catch(() => undefined)
    if (found?.hello.pid === after) return found
    found?.client.close()
  }
  throw new Failure('failed', 'The new arbiter has no control socket that can be found')
}

function isMatch(wanted: string | undefined, found: string): boolean {
  return wanted === undefined || wanted === found
}

function socketPaths(): readonly string[] {
  return socketFolders(process.env, process.geteuid?.()).flatMap(folder =>
    namesIn(folder).flatMap(name => (/^\d+\.sock$/.test(name) ? [join(folder, name)] : [])),
  )
}

/** Nothing where there is no such folder, or no permission. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** Asks who is there. A socket that the usual folders keep of a killed server is removed. */
async function meet(path: string, patience = answerSeconds): Promise<Instance> {
  try {
    const client = await Client.connect(path)
    const isHurried = patience < answerSeconds
    const late = isHurried
      ? new Failure('timeout', `The server at ${path} has not answered after ${patience} s`)
      : new Failure('unreachable', `The server at ${path} does not answer`)
    const hello = await within(
      (isHurried ? patience : answerSeconds) * 1_000,
      client.ask('hello'),
      late,
    ).catch(error => {
      client.close()
      throw error
    })
    if (isHello(hello)) return { client, hello }
    client.close()
    throw new Failure('unreachable', `No tsicorn answers at ${path}: it does not say who it is`)
  } catch (error) {
    if (error instanceof Failure && error.exit === 'unknown' && socketPaths().includes(path)) remove(path)
    throw error
  }
}

/** What all else depends on; other programs have sockets as well. */
function isHello(data: unknown): data is Hello {
  const { pid, name } = (data ?? {}) as Partial<Record<keyof Hello, unknown>>
  return Number.isInteger(pid) && typeof name === 'string'
}

/** The link of a killed server may lead to the socket of the next one, which has a link of its own. */
async function meetAsNamed(path: string, patience?: number): Promise<Instance | undefined> {
  const instance = await meet(path, patience)
  if (basename(path) === socketName(instance.hello.pid)) return instance
  instance.client.close()
  remove(path)
  return undefined
}

/** How long a server may take to say who it is, in seconds. */
const answerSeconds = 5

/** The promise, or this error when it takes longer. */
export async function within<T>(milliseconds: number, promise: Promise<T>, late: Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late), milliseconds)
  })
  return await Promise.race([promise, timeout]).finally(() => clearTimeout(timer))
}

function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // Another client has removed it, or may.
  }
}

function pidFrom(file: string): string {
  try {
    const text = readFileSync(file, 'utf8').trim()
    if (/^\d+$/.test(text)) return text
  } catch (error) {
    throw new Failure('unknown', `Cannot read the pidfile "${file}": ${(error as Error).message}`)
  }
  throw new Failure('unknown', `The pidfile "${file}" has no process id`)
}

function noneOf({ name, pidfile }: Wanted, pid: string | undefined, all: readonly Instance[]): Failure {
  const wanted = [
    ...(name === undefined ? [] : [`name ${JSON.stringify(name)}`]),
    ...(pid === undefined ? [] : [`pid ${pid}${pidfile === undefined ? '' : `, which is in ${pidfile}`}`]),
  ]
  const cure = 'name its control_socket with --socket if it has one of its own'
  if (wanted.length === 0) return new Failure('unknown', `No server of this user runs: ${cure}`)
  const there = all.length === 0 ? cure : `there are ${all.map(describe).join(', ')}`
  return new Failure('unknown', `No server of this user has ${wanted.join(' and ')}: ${there}`)
}

function severalOf(instances: readonly Instance[]): Failure {
  return new Failure(
    'ambiguous',
    `There are ${instances.length} servers: choose one with --pid or --name: ${instances.map(describe).join(', ')}`,
  )
}

function describe({ hello }: Instance): string {
  return `${hello.pid} (${hello.name})`
}
