/**
 * Notifies systemd about this server: that it is ready, what it does, that it is alive. See sd_notify(3).
 *
 * Node has no unix datagram sockets, so each message takes a run of `systemd-notify`, one at a time and in order. Only
 * `idle` waits for them.
 */
import type { LogLevel } from '../../worker/protocol/messages.ts'
import { trySpawn } from '../system/spawn.ts'

/** Variables that systemd sets for the arbiter alone: a worker that inherited them could speak in its name. */
export const notifyVariables = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const

type Variables = Readonly<Record<string, string | undefined>>
type Message = Readonly<Record<string, string>>

export interface NotifierOptions {
  /** The environment that systemd gave this process. */
  readonly env: Variables
  readonly log: { write(level: LogLevel, message: string): void }
}

/** Undefined if no service manager wants to be notified. */
export function createNotifier({ env, log }: NotifierOptions): Notifier | undefined {
  const { NOTIFY_SOCKET: socket } = env
  if (socket === undefined || socket === '') return undefined
  return new Notifier(socket, { env, log })
}

/** How long a run of `systemd-notify` may take, in milliseconds: as long as it waits for systemd itself. */
const patience = 5_000

/** systemd truncates messages at 4096 bytes, and a character may take four of them. */
const longestStatus = 900

export class Notifier {
  /** The variables that a new arbiter needs to notify systemd. The watchdog belongs to the unit, not to one process. */
  readonly inheritable: Message
  readonly #options: NotifierOptions
  readonly #socket: string
  readonly #queue: Message[] = []
  readonly #beatMs: number | undefined
  #nextBeat = 0
  #status = ''
  #sending: Promise<void> | undefined
  #isMute = false
  #hasComplained = false

  constructor(socket: string, options: NotifierOptions) {
    const { WATCHDOG_USEC: usec } = options.env
    this.#socket = socket
    this.#options = options
    this.#beatMs = beatOf(options.env)
    this.inheritable = {
      NOTIFY_SOCKET: socket,
      ...(this.#beatMs === undefined ? {} : { WATCHDOG_USEC: usec as string }),
    }
  }

  /** The start or the reload is over, whether it succeeded or not: the status tells. */
  ready(status: string): void {
    this.#put({ READY: '1', ...this.#newStatus(status) })
  }

  /** One line for people, shown by `systemctl status`; sent only if it has changed. */
  status(text: string): void {
    if (oneLine(text) !== this.#status) this.#put(this.#newStatus(text))
  }

  reloading(status: string): void {
    // Without the time, a unit of Type=notify-reload cannot tell this reload from an earlier one, and waits in vain.
    const now = process.hrtime.bigint() / 1_000n
    this.#put({ RELOADING: '1', MONOTONIC_USEC: String(now), ...this.#newStatus(status) })
  }

  /** This server ends. Do not call it while a new arbiter continues: systemd may consider the unit stopped. */
  stopping(status: string): void {
    this.#put({ STOPPING: '1', ...this.#newStatus(status) })
  }

  /** Names the main process, which gets signals and reloads from now on. */
  mainPid(pid: number): void {
    this.#put({ MAINPID: String(pid) })
  }

  /**
   * Feeds the watchdog if it is due; returns when it is due next, in milliseconds of the monotonic clock. Call it on
   * every turn of the arbiter's loop, and from nowhere else.
   */
  beat(now: number): number | undefined {
    if (this.#beatMs === undefined) return undefined
    if (now >= this.#nextBeat) {
      this.#put({ WATCHDOG: '1' })
      this.#nextBeat = now + this.#beatMs
    }
    return this.#nextBeat
  }

  /** Resolves when all messages have been sent, or could not be. */
  async idle(): Promise<void> {
    await this.#sending
  }

  #newStatus(text: string): Message {
    this.#status = oneLine(text)
    return { STATUS: this.#status }
  }

  #put(message: Message): void {
    if (this.#isMute) return
    const last = this.#queue.at(-1)
    if (last !== undefined && mayJoin(last, message)) this.#queue.splice(-1, 1, { ...last, ...message })
    else this.#queue.push(message)
    this.#sending ??= this.#sendAll()
  }

  async #sendAll(): Promise<void> {
    // Messages from the same turn of the loop are sent together.
    await Promise.resolve()
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const problem = await this.#send(next)
      if (problem === undefined) this.#hasComplained = false
      else this.#complain(next, problem)
    }
    this.#sending = undefined
  }

  /** Resolves with the error, if there was one. */
  #send(message: Message): Promise<Error | undefined> {
    return new Promise(resolve => {
      const notify = trySpawn(
        'systemd-notify',
        Object.entries(message).map(([name, value]) => `${name}=${value}`),
        {
          // The working folder of this process may be gone after a deployment.
          cwd: '/',
          env: { PATH: this.#options.env.PATH, NOTIFY_SOCKET: this.#socket },
          stdio: ['ignore', 'ignore', 'pipe'],
        },
      )
      if (notify instanceof Error) return resolve(notify)
      let said = ''
      notify.stderr?.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
      // A process that it started may keep the pipe open: then `close` does not follow.
      const timer = setTimeout(() => {
        notify.kill('SIGKILL')
        resolve(new Error(`systemd-notify did not end within ${patience / 1_000} s`))
      }, patience)
      notify.on('error', error => {
        clearTimeout(timer)
        resolve(error)
      })
      notify.once('close', (code, signal) => {
        clearTimeout(timer)
        if (code === 0) return resolve(undefined)
        const how = signal === null ? `code ${code}` : signal
        resolve(new Error(`systemd-notify ended with ${how}${said === '' ? '' : `: ${oneLine(said)}`}`))
      })
    })
  }

  #complain(message: Message, problem: NodeJS.ErrnoException): void {
    const { log } = this.#options
    if (problem.code === 'ENOENT') {
      this.#isMute = true
      this.#queue.length = 0
      const cure = 'install the package that has it (systemd), or set Type=exec in the unit'
      return log.write('warning', `Cannot notify systemd: there is no systemd-notify in PATH: ${cure}`)
    }
    if (this.#hasComplained) return
    this.#hasComplained = true
    const what = Object.keys(message).join(' and ')
    log.write('warning', `Cannot tell systemd ${what} through ${this.#socket}: ${problem.message}`)
  }
}

/** The states of a unit: each one counts, and so does their order. */
const states = ['READY', 'RELOADING', 'STOPPING'] as const

/** Whether the later message can be merged into the earlier one, and replace the fields that both have. */
function mayJoin(earlier: Message, later: Message): boolean {
  const [a, b] = [earlier, later].map(message => states.find(state => state in message))
  return a === undefined || b === undefined || a === b
}

/** How often to feed the watchdog, in milliseconds: twice as often as required; see sd_watchdog_enabled(3). */
function beatOf({ WATCHDOG_USEC, WATCHDOG_PID }: Variables): number | undefined {
  if (WATCHDOG_USEC === undefined || !/^[1-9]\d*$/.test(WATCHDOG_USEC)) return undefined
  if (WATCHDOG_PID !== undefined && Number(WATCHDOG_PID) !== process.pid) return undefined
  return Number(WATCHDOG_USEC) / 2_000
}

function oneLine(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, longestStatus)
}
