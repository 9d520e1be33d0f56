/**
 * Does what clients of the control socket, or of the status page, ask for. It runs in the arbiter's loop, one request at
 * a time.
 */
import { printConfig } from '../../config/print/print-config.ts'
import type { Resolved } from '../../config/resolve/resolve.ts'
import { type CommandName, commands, findCommand } from '../../control/protocol/commands.ts'
import type { SignalName } from '../state/phase.ts'
import type { Controls } from './controlled.ts'
import type { Asked, Reply } from './conversation.ts'
import { everythingAsText, helloOf, listenersOf, statsOf, workersAsText } from './snapshot.ts'
import {
  postponedOutcome,
  readyOutcome,
  recallOutcome,
  reloadOutcome,
  startOutcome,
  upgradeOutcome,
  waitFor,
} from './waiting.ts'

type Handler = (controls: Controls, args: readonly string[], reply: Reply) => void

/** Answers a request, at once or when there is an outcome. */
export function obey(controls: Controls, { command, args, reply }: Asked): void {
  const words = command.split(/\s+/).filter(word => word !== '')
  const found = findCommand([...words, ...args])
  if (found === undefined) return reply.error(`Unknown command ${quote(command)}: ${names}`)
  try {
    handlers[found.name](controls, found.args, reply)
  } catch (error) {
    reply.error(`The arbiter failed: ${(error as Error).message}`)
    // It is logged as a failure of its own.
    throw error
  }
}

const names = `the commands are ${Object.keys(commands).join(', ')}`

const handlers: Readonly<Record<CommandName, Handler>> = {
  hello: ({ server, version }, _, reply) => reply.ok(helloOf(server, version)),
  'show all': ({ server, version }, _, reply) =>
    answerLater(reply, everythingAsText(server, version), reply.okText),
  'show workers': ({ server }, _, reply) => answerLater(reply, workersAsText(server), reply.okText),
  'show config': ({ server }, _, reply) => {
    reply.ok(JSON.parse(printConfig({ ...withoutValues(server.resolved), json: true })))
  },
  'show stats': ({ server }, _, reply) => reply.ok(statsOf(server)),
  'show listeners': ({ server }, _, reply) => {
    answerLater(
      reply,
      listenersOf(server).then(listeners => ({ listeners, count: listeners.length })),
    )
  },
  'show dirty': (_, __, reply) => reply.ok({ enabled: false, pid: null, workers: [], apps: [] }),
  'worker add': (controls, args, reply) => change(controls, 'worker add', args, reply, 1),
  'worker remove': (controls, args, reply) => change(controls, 'worker remove', args, reply, -1),
  'worker kill': endWorker,
  scale: (controls, args, reply) => {
    const wanted = numberFrom(args)
    if (wanted === undefined || wanted < 1) return reply.error('scale needs a number of workers, 1 or more')
    scale(controls, wanted, reply)
  },
  reload,
  upgrade: (controls, _, reply) => {
    const { server } = controls
    waitFor(server, reply, upgradeOutcome)
    const refusal = signal(controls, reply, 'upgrade', 'USR2')
    if (refusal !== undefined) reply.error(refusal)
  },
  'upgrade back': ({ server }, _, reply) => {
    server.log.info(`Asked ${reply.place}: upgrade back`)
    if (server.phase.name === 'stopping') return reply.error('The server was told to stop')
    waitFor(server, reply, recallOutcome)
    if (!server.upgrader.recall()) reply.error('There is no new arbiter')
  },
  reopen: (controls, _, reply) =>
    answer(reply, signal(controls, reply, 'reopen', 'USR1'), { reopened: true }),
  shutdown: (controls, [how = 'graceful'], reply) => {
    if (how !== 'graceful' && how !== 'quick')
      return reply.error(`shutdown is graceful or quick, not ${quote(how)}`)
    answer(reply, signal(controls, reply, `shutdown ${how}`, how === 'quick' ? 'INT' : 'TERM'), { mode: how })
  },
  wait: ({ server }, [what = 'ready'], reply) => {
    if (what !== 'ready') return reply.error(`wait waits for ready, not for ${quote(what)}`)
    if (server.phase.name === 'running') return reply.ok({ ready: true })
    if (server.phase.name === 'stopping') return reply.error('The server was told to stop')
    waitFor(server, reply, readyOutcome)
  },
  events: ({ server }, _, reply) => {
    reply.onEnd(server.journal.follow(event => reply.progress({ at: Date.now(), ...event })))
  },
  logs: ({ recentLines }, [follow], reply) => {
    if (follow !== undefined && follow !== 'follow')
      return reply.error(`logs takes follow, or nothing, not ${quote(follow)}`)
    for (const line of recentLines.all) reply.progress(line)
    if (follow === undefined) return reply.ok({ lines: recentLines.all.length })
    reply.onEnd(recentLines.follow(line => reply.progress(line)))
  },
}

/** Whoever may use the socket may not read the environment of the processes: it often has passwords. */
function withoutValues(resolved: Resolved): Resolved {
  const raw_env = resolved.settings.raw_env.map(pair => `${pair.slice(0, pair.indexOf('='))}=(hidden)`)
  return { ...resolved, settings: { ...resolved.settings, raw_env } }
}

function reload(controls: Controls, _: readonly string[], reply: Reply): void {
  const { server } = controls
  const { phase } = server
  const before = controls.reload
  const refusal = signal(controls, reply, 'reload', 'HUP')
  if (refusal !== undefined) return reply.error(refusal)
  if (phase.name === 'waiting') return waitFor(server, reply, startOutcome)
  // One that was postponed has its number later.
  if (phase.name === 'booting') return waitFor(server, reply, postponedOutcome(before + 1))
  waitFor(server, reply, reloadOutcome(controls.reload > before ? controls.reload : before + 1))
}

function change(
  controls: Controls,
  command: string,
  args: readonly string[],
  reply: Reply,
  sign: 1 | -1,
): void {
  const number = args.length === 0 ? 1 : numberFrom(args)
  if (number === undefined || number < 1) return reply.error(`${command} takes a number, 1 or more`)
  scale(controls, Math.max(1, controls.server.scale.wanted + sign * number), reply)
}

function scale(controls: Controls, wanted: number, reply: Reply): void {
  const { server } = controls
  const previous = server.scale.wanted
  server.log.info(`Asked ${reply.place}: scale ${wanted}`)
  answer(reply, controls.scaleTo(wanted), { previous, total: wanted })
}

/** The others take its place first, as when a worker is recycled. */
function endWorker({ server }: Controls, args: readonly string[], reply: Reply): void {
  const pid = numberFrom(args)
  const child = pid === undefined ? undefined : server.fleet.workers.find(worker => worker.pid === pid)
  if (child === undefined)
    return reply.error(`worker kill needs the process id of a worker: tsicornc show workers lists them`)
  server.log.info(`Asked ${reply.place}: worker kill ${pid}`)
  child.recycle(`asked ${reply.place}`)
  reply.ok({ success: true, killed: pid })
}

function signal(controls: Controls, { place }: Reply, command: string, name: SignalName): string | undefined {
  controls.server.log.info(`Asked ${place}: ${command}`)
  return controls.signal(name)
}

function answer(reply: Reply, refusal: string | undefined, data: unknown): void {
  if (refusal === undefined) reply.ok(data)
  else reply.error(refusal)
}

function answerLater<Data>(reply: Reply, data: Promise<Data>, ok: (data: Data) => void = reply.ok): void {
  data.then(ok, (error: Error) => reply.error(error.message))
}

function numberFrom([text = '', ...more]: readonly string[]): number | undefined {
  return /^\d{1,9}$/.test(text) && more.length === 0 ? Number(text) : undefined
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text)
}
