/** Upgrades: starts a new arbiter beside this one, until the operator ends one of them. */
import { pidfileOf } from '../process/pidfile.ts'
import type { Notifier } from '../process/sd-notify.ts'
import type { UpgraderEvent } from '../process/upgrader.ts'
import type { Server } from './server.ts'

export interface UpgradeParts {
  /** The environment and the folder that this arbiter was started in. */
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  /** Reports to systemd; the new arbiter needs its environment variables. */
  readonly notifier: Notifier | undefined
}

export class Upgrades {
  readonly #server: Server
  readonly #parts: UpgradeParts
  #isPreparing = false

  constructor(server: Server, parts: UpgradeParts) {
    this.#server = server
    this.#parts = parts
  }

  /** Starts a new arbiter, after the hook `pre_exec`. */
  async begin(): Promise<void> {
    const { upgrader, hooks, log } = this.#server
    const refusal = this.#isPreparing ? 'an upgrade is being prepared already' : upgrader.refusal
    if (refusal !== undefined) return log.warning(`Not upgrading: ${refusal}`)
    this.#isPreparing = true
    try {
      await hooks.call('pre_exec', this.#server.view())
      this.#launch()
    } catch (error) {
      log.error(`Not upgrading: ${(error as Error).message}`)
    } finally {
      this.#isPreparing = false
    }
  }

  #launch(): void {
    const { upgrader, generations, phase, log } = this.#server
    const { current } = generations
    if (phase.name === 'stopping' || current === undefined) return
    const { cwd, env, notifier } = this.#parts
    const { appBinds } = generations
    upgrader.launch({
      listeners: current.listeners,
      appBinds: appBinds.addresses,
      cwd,
      env: { ...env, ...notifier?.inheritable },
    })
    if (upgrader.newArbiter !== undefined)
      log.info(`Upgrading: the new arbiter starts (pid ${upgrader.newArbiter})`)
  }

  hear(event: UpgraderEvent): void {
    const { upgrader, log, pidfile, resolved } = this.#server
    switch (event.type) {
      case 'new arbiter ready':
        return log.info(
          `The new arbiter serves beside this one (pid ${upgrader.newArbiter}): end one of them`,
        )
      case 'new arbiter ended':
        if (event.pid === undefined) return log.error(`Not upgrading: ${event.how}`)
        // A new arbiter that exits with 0 was told to: the operator took the upgrade back.
        return log.write(
          event.how === 'code 0' ? 'warning' : 'error',
          `The new arbiter ended (pid ${event.pid}) with ${event.how}: this arbiter goes on`,
        )
      case 'promoted':
        pidfile.move(pidfileOf(resolved, false))
        return log.info('Promoted: the old arbiter is gone')
    }
  }
}
