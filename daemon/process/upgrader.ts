/**
 * Upgrades with USR2: a new arbiter is started on the same sockets, and both serve until the operator ends one of them.
 * Ending the old arbiter promotes the new one; ending the new arbiter takes the upgrade back.
 */
import type { ChildProcess } from 'node:child_process'
import { firstInherited } from '../../worker/protocol/frame.ts'
import { type AppAddresses, type InheritedFds, inheritedFdsVariables } from '../sockets/inherited-fds.ts'
import type { Listener } from '../sockets/sockets.ts'
import { identify, isRunning } from '../system/process-identity.ts'
import { trySpawn, whyNotStarted } from '../system/spawn.ts'
import { ready, saysReady, tellParent } from './parent-channel.ts'

export type UpgraderEvent =
  | { readonly type: 'upgrade prepared' }
  | { readonly type: 'upgrade abandoned'; readonly why: string }
  | { readonly type: 'new arbiter ready' }
  | { readonly type: 'new arbiter ended'; readonly pid: number | undefined; readonly how: string }
  | { readonly type: 'promoted' }

export interface NewArbiterOptions {
  readonly listeners: readonly Listener[]
  readonly appBinds: AppAddresses
  /** How many workers there are, as JSON. */
  readonly scale: string
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
}

/** How often to check whether an old arbiter whose channel has closed still lives, in milliseconds. */
const lookMs = 1_000

export class Upgrader {
  readonly #put: (event: UpgraderEvent) => void
  #oldArbiter: number | undefined
  #newArbiter: ChildProcess | undefined
  #newArbiterServes = false
  /** What is done before there is a new arbiter. */
  #preparation: Promise<unknown> | undefined

  constructor({ oldArbiter }: Pick<InheritedFds, 'oldArbiter'>, put: (event: UpgraderEvent) => void) {
    this.#put = put
    this.#oldArbiter = oldArbiter
    if (oldArbiter === undefined) return
    if (process.connected && process.ppid === oldArbiter) this.#awaitEnd(oldArbiter)
    else this.#promote()
  }

  /** Another arbiter has the same sockets, and serves on them or is about to. */
  get isShared(): boolean {
    return this.#newArbiter !== undefined || this.#oldArbiter !== undefined
  }

  /** An upgrade has begun, and the new arbiter is not started yet. */
  get isPreparing(): boolean {
    return this.#preparation !== undefined
  }

  /** There is to be a new arbiter, and it is not serving yet. */
  get isUpgrading(): boolean {
    return this.isPreparing || (this.#newArbiter !== undefined && !this.#newArbiterServes)
  }

  /** Another arbiter already serves on the same sockets: queued connections are not lost when this one leaves. */
  get goesOn(): boolean {
    return this.#newArbiterServes || this.#oldArbiter !== undefined
  }

  /** The process id of the old arbiter, while it lives. */
  get oldArbiter(): number | undefined {
    return this.#oldArbiter
  }

  get newArbiter(): number | undefined {
    return this.#newArbiter?.pid
  }

  /** The process id of the new arbiter, once it serves. */
  get successor(): number | undefined {
    return this.#newArbiterServes ? this.newArbiter : undefined
  }

  /** Why no new arbiter can be started now. */
  get refusal(): string | undefined {
    if (this.isPreparing) return 'an upgrade is being prepared already'
    if (this.#newArbiter !== undefined) return `a new arbiter lives already (pid ${this.#newArbiter.pid})`
    if (this.#oldArbiter === undefined) return undefined
    return `this arbiter is a new one itself, and the old one still lives (pid ${this.#oldArbiter})`
  }

  /** Puts `upgrade prepared` when this work is done, or `upgrade abandoned` when it fails or the upgrade is taken back. */
  prepare(work: Promise<unknown>): void {
    this.#preparation = work
    const isOn = () => this.#preparation === work
    work.then(
      () => isOn() && this.#put({ type: 'upgrade prepared' }),
      ({ message }: Error) => isOn() && this.#abandon(message),
    )
  }

  #abandon(why: string): void {
    this.#preparation = undefined
    this.#put({ type: 'upgrade abandoned', why })
  }

  /**
   * Starts the new arbiter with this arbiter's command line, so that a new Node or a new release behind a symbolic link
   * is used.
   *
   * @throws Error that says why there is no new arbiter, as far as that is known at once
   */
  launch({ listeners, appBinds, scale, cwd, env }: NewArbiterOptions): void {
    this.#preparation = undefined
    const passed = listeners.flatMap(({ fd, key, file }) => (fd === undefined ? [] : [{ fd, key, file }]))
    const descriptors = passed.map(({ key, file }, index) => ({ fd: firstInherited + index, key, file }))
    const newArbiter = trySpawn(process.argv0, [...process.execArgv, ...process.argv.slice(1)], {
      cwd,
      env: { ...env, ...inheritedFdsVariables({ descriptors, oldArbiter: process.pid, appBinds, scale }) },
      stdio: ['inherit', 'inherit', 'inherit', 'ipc', ...passed.map(({ fd }) => fd)],
    })
    if (newArbiter instanceof Error) throw new Error(whyNotStarted(newArbiter, process.argv0, cwd))
    this.#newArbiter = newArbiter
    newArbiter.on('message', message => {
      if (!saysReady(message) || this.#newArbiterServes || this.#newArbiter !== newArbiter) return
      this.#newArbiterServes = true
      this.#put({ type: 'new arbiter ready' })
    })
    newArbiter.on('error', error => this.#lose(newArbiter, whyNotStarted(error, process.argv0, cwd)))
    newArbiter.once('exit', (code, signal) =>
      this.#lose(newArbiter, signal === null ? `code ${code}` : signal),
    )
  }

  #lose(newArbiter: ChildProcess, how: string): void {
    if (this.#newArbiter !== newArbiter) return
    this.#newArbiter = undefined
    this.#newArbiterServes = false
    this.#put({ type: 'new arbiter ended', pid: newArbiter.pid, how })
  }

  /** Takes the upgrade back: nothing is started, or the new arbiter is told to leave. False if there is none. */
  recall(): boolean {
    if (!this.isPreparing) return this.#newArbiter?.kill('SIGTERM') === true
    this.#abandon('it was taken back')
    return true
  }

  /** Tells the old arbiter, or a waiting launcher, that this arbiter serves. */
  announceReady(): void {
    tellParent(ready)
  }

  /** Tells the new arbiter, if there is one; resolves when that is sent, or cannot be. */
  async tellNewArbiter(message: object): Promise<void> {
    const newArbiter = this.#newArbiter
    if (!newArbiter?.connected) return
    await new Promise<void>(resolve => newArbiter.send(message, () => resolve()))
  }

  /** Lets this process end although the new arbiter lives. */
  release(): void {
    this.#newArbiter?.unref()
    this.#newArbiter?.channel?.unref()
  }

  /** The channel closes when the old arbiter ends, or when a hook closes it. */
  #awaitEnd(oldArbiter: number): void {
    const before = identify(oldArbiter)
    process.once('disconnect', () => {
      if (isRunning(before) !== true) return this.#promote()
      const timer = setInterval(() => {
        if (isRunning(before) === true) return
        clearInterval(timer)
        this.#promote()
      }, lookMs).unref()
    })
  }

  #promote(): void {
    this.#oldArbiter = undefined
    this.#put({ type: 'promoted' })
  }
}
