/** Upgrades: starts a new arbiter beside this one, until the operator ends one of them. */
import type { AdminServer } from '../admin/admin-server.ts'
import type { ControlSocket } from '../control/control-socket.ts'
import { pidfileOf } from '../process/pidfile.ts'
import type { Notifier } from '../process/sd-notify.ts'
import type { UpgraderEvent } from '../process/upgrader.ts'
import type { Server } from './server.ts'

export interface UpgradeParts {
  /** The environment and the folder that this arbiter was started in. */
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  readonly admin: Pick<AdminServer, 'takeOver'> | undefined
  /** Takes the old arbiter's place with the promotion, where it has a configured one. */
  readonly control: Pick<ControlSocket, 'move'> | undefined
  /** Reports to systemd; the new arbiter needs its environment variables. */
  readonly notifier: Notifier | undefined
}

export class Upgrades {
  readonly #server: Server
  readonly #parts: UpgradeParts

  constructor(server: Server, parts: UpgradeParts) {
    this.#server = server
    this.#parts = parts
  }

  /** Why none can begin now. It fails nothing: another one that is under way goes on. */
  get refusal(): string | undefined {
    const why = this.#server.upgrader.refusal
    return why === undefined ? undefined : `Not upgrading: ${why}`
  }

  /** Calls the hook `pre_exec`; the new arbiter is started after it. */
  begin(): void {
    const { upgrader, hooks } = this.#server
    upgrader.prepare(hooks.call('pre_exec', this.#server.view()))
  }

  #fail(why: string): void {
    const error = `Not upgrading: ${why}`
    this.#server.log.error(error)
    this.#server.journal.note({ type: 'upgrade failed', error })
  }

  #start(): void {
    try {
      this.#launch()
    } catch (error) {
      this.#fail((error as Error).message)
    }
  }

  #launch(): void {
    const { upgrader, generations, journal, phase, log, scale } = this.#server
    const { current } = generations
    // It may have been taken back meanwhile.
    if (!upgrader.isPreparing || phase.name === 'stopping' || current === undefined) return
    const { cwd, env, notifier } = this.#parts
    const { appBinds } = generations
    upgrader.launch({
      listeners: current.listeners,
      appBinds: appBinds.addresses,
      scale: JSON.stringify(scale),
      cwd,
      env: { ...env, ...notifier?.inheritable },
    })
    const pid = upgrader.newArbiter
    if (pid === undefined) return
    log.info(`Upgrading: the new arbiter starts (pid ${pid})`)
    journal.note({ type: 'new arbiter started', pid })
  }

  /** Takes the name that was configured for the control socket, which the old arbiter had, and says so. */
  #sayPromoted(): void {
    const { resolved, journal, log } = this.#server
    const path = resolved.parsed.control?.path
    const say = () => {
      journal.note({ type: 'promoted' })
      log.info('Promoted: the old arbiter is gone')
    }
    const { control } = this.#parts
    if (control === undefined || !path) say()
    else void control.move(path).then(say)
  }

  hear(event: UpgraderEvent): void {
    const { upgrader, journal, log, pidfile, resolved } = this.#server
    switch (event.type) {
      case 'upgrade prepared':
        return this.#start()
      case 'upgrade abandoned':
        return this.#fail(event.why)
      case 'new arbiter ready':
        journal.note({ type: 'new arbiter ready', pid: upgrader.newArbiter })
        return log.info(
          `The new arbiter serves beside this one (pid ${upgrader.newArbiter}): end one of them`,
        )
      case 'new arbiter ended':
        if (event.pid === undefined) return this.#fail(event.how)
        journal.note({ type: 'upgrade failed', error: `The new arbiter ended with ${event.how}` })
        // It was told to leave, maybe before it could listen to signals: the operator took the upgrade back.
        return log.write(
          event.how === 'code 0' || event.how === 'SIGTERM' ? 'warning' : 'error',
          `The new arbiter ended (pid ${event.pid}) with ${event.how}: this arbiter goes on`,
        )
      case 'promoted':
        pidfile.move(pidfileOf(resolved, false))
        void this.#parts.admin?.takeOver()
        return this.#sayPromoted()
    }
  }
}
