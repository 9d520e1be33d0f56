/**
 * The arbiters before and after this one. On USR2 an heir is started with the same sockets, and both serve until the
 * operator ends one of them: ending the old one promotes the heir, ending the heir takes the upgrade back.
 */
import type { ChildProcess } from 'node:child_process'
import { firstInherited } from '../../worker/protocol/frame.ts'
import { type AppAddresses, type Inheritance, writeInheritance } from '../sockets/inherited-fds.ts'
import type { Listener } from '../sockets/sockets.ts'
import { identify, lives } from '../system/process-identity.ts'
import { trySpawn, whyNotStarted } from '../system/spawn.ts'
import { ready, saysReady, tellParent } from './parent-channel.ts'

export type LineageEvent =
  | { readonly type: 'heir ready' }
  | { readonly type: 'heir ended'; readonly pid: number | undefined; readonly how: string }
  | { readonly type: 'promoted' }

export interface HeirOptions {
  readonly listeners: readonly Listener[]
  readonly appBinds: AppAddresses
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
}

/** How often to look for a predecessor that cannot be heard any more, in milliseconds. */
const lookMs = 1_000

export class Lineage {
  readonly #put: (event: LineageEvent) => void
  #predecessor: number | undefined
  #heir: ChildProcess | undefined
  #heirServes = false

  constructor({ predecessor }: Pick<Inheritance, 'predecessor'>, put: (event: LineageEvent) => void) {
    this.#put = put
    this.#predecessor = predecessor
    if (predecessor === undefined) return
    if (process.connected && process.ppid === predecessor) this.#awaitEnd(predecessor)
    else this.#promote()
  }

  /** Another arbiter has the same sockets, and serves on them or is about to. */
  get isShared(): boolean {
    return this.#heir !== undefined || this.#predecessor !== undefined
  }

  /** The heir does not serve yet. */
  get isUpgrading(): boolean {
    return this.#heir !== undefined && !this.#heirServes
  }

  /** Another arbiter serves on the same sockets already: what waits there is not lost when this one leaves. */
  get goesOn(): boolean {
    return this.#heirServes || this.#predecessor !== undefined
  }

  /** The process id of the arbiter that is to be succeeded, while it lives. */
  get predecessor(): number | undefined {
    return this.#predecessor
  }

  get heir(): number | undefined {
    return this.#heir?.pid
  }

  /** The process id of the heir, as soon as it serves. */
  get successor(): number | undefined {
    return this.#heirServes ? this.heir : undefined
  }

  /** Why there can be no heir now. */
  get refusal(): string | undefined {
    if (this.#heir !== undefined) return `an heir lives already (pid ${this.#heir.pid})`
    if (this.#predecessor === undefined) return undefined
    return `this arbiter is an heir itself, and the one before it still lives (pid ${this.#predecessor})`
  }

  /**
   * Starts the heir, as this arbiter was started: by the same words, so that a new Node or a new release behind a
   * symbolic link is what runs.
   *
   * @throws Error that says why there is no heir, as far as that is known at once
   */
  launch({ listeners, appBinds, cwd, env }: HeirOptions): void {
    const passed = listeners.flatMap(({ fd, key, file }) => (fd === undefined ? [] : [{ fd, key, file }]))
    const descriptors = passed.map(({ key, file }, index) => ({ fd: firstInherited + index, key, file }))
    const heir = trySpawn(process.argv0, [...process.execArgv, ...process.argv.slice(1)], {
      cwd,
      env: { ...env, ...writeInheritance({ descriptors, predecessor: process.pid, appBinds }) },
      stdio: ['inherit', 'inherit', 'inherit', 'ipc', ...passed.map(({ fd }) => fd)],
    })
    if (heir instanceof Error) throw new Error(whyNotStarted(heir, process.argv0, cwd))
    this.#heir = heir
    heir.on('message', message => {
      if (!saysReady(message) || this.#heirServes || this.#heir !== heir) return
      this.#heirServes = true
      this.#put({ type: 'heir ready' })
    })
    heir.on('error', error => this.#lose(heir, whyNotStarted(error, process.argv0, cwd)))
    heir.once('exit', (code, signal) => this.#lose(heir, signal === null ? `code ${code}` : signal))
  }

  #lose(heir: ChildProcess, how: string): void {
    if (this.#heir !== heir) return
    this.#heir = undefined
    this.#heirServes = false
    this.#put({ type: 'heir ended', pid: heir.pid, how })
  }

  /** Tells the arbiter before this one, or whoever waits for it, that this one serves. */
  announceReady(): void {
    tellParent(ready)
  }

  /** Lets this process end although an heir lives. */
  release(): void {
    this.#heir?.unref()
    this.#heir?.channel?.unref()
  }

  /** The channel ends with the predecessor, unless a hook has closed it before. */
  #awaitEnd(predecessor: number): void {
    const before = identify(predecessor)
    process.once('disconnect', () => {
      if (lives(before) !== true) return this.#promote()
      const timer = setInterval(() => {
        if (lives(before) === true) return
        clearInterval(timer)
        this.#promote()
      }, lookMs).unref()
    })
  }

  #promote(): void {
    this.#predecessor = undefined
    this.#put({ type: 'promoted' })
  }
}
