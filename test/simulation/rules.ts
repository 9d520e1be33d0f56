/** What has to hold in every life, seen from outside: by processes, sockets, orders and the log. */
import { shareOf } from '../../daemon/state/scale.ts'
import type { LogLevel, ToWorker } from '../../worker/protocol/messages.ts'
import type { ConfigFate } from './fate.ts'
import type { Machine } from './machine/machine.ts'
import type { NewArbiterProcess } from './programs/new-arbiter-process.ts'
import type { WorkerProcess } from './programs/worker-process.ts'
import { UpgradeRules } from './upgrade-rules.ts'

/** For how long those live on who are more than is wanted now, in milliseconds: hooks are waited for, and kills. */
const surplusMs = 3_000

/** How the log says that a worker has ended. */
const ends = /exited with code|was ended by|could not be|not ready within/

export class Rules {
  readonly workers: WorkerProcess[] = []
  readonly newArbiters: NewArbiterProcess[] = []
  /** How many workers are wanted, as the log says. */
  wanted: number
  /** The configuration of each generation that was made. */
  readonly configs = new Map<number, ConfigFate>()
  /** The last generation of which all workers were ready. */
  lastGood = 0
  isRunning = false
  stopping: 'no' | 'gracefully' | 'quickly' = 'no'
  hasEnded = false
  /** An operator has sent a signal that ends it. */
  isAskedToStop = false
  /** There was another arbiter when this one ended. */
  wasShared = false
  /** A hook never settles: the timer of its limit ends with the process, as do those of hooks that were not awaited. */
  waitsForHook = false
  /** What happened to the machine, or to a worker, that may cost a request. */
  harm = 0
  harmAtStop = 0
  /** The reload whose outcome is not known yet. */
  openReload: number | undefined
  readonly upgrades: UpgradeRules
  readonly #machine: Machine
  readonly #configAt: (reading: number) => ConfigFate
  #surge: ConfigFate['surge']
  /** When fewer were wanted than before. */
  #shrankAt = Number.NEGATIVE_INFINITY

  /** `configAt` is what the reading of that number gave. */
  constructor(machine: Machine, configAt: (reading: number) => ConfigFate) {
    const first = configAt(0)
    this.#machine = machine
    this.#configAt = configAt
    this.wanted = first.workers
    this.#surge = first.surge
    this.upgrades = new UpgradeRules(
      () => machine.clock.now,
      (rule, text) => this.#fail(rule, text),
    )
    machine.network.mayLose = () => this.mayLose
  }

  get living(): readonly WorkerProcess[] {
    return this.workers.filter(({ isAlive }) => isAlive)
  }

  /** A stop that finds nobody who serves cannot answer those who wait, and neither can a quick one. */
  get mayLose(): boolean {
    if (this.hasEnded || this.stopping === 'quickly') return true
    return (
      this.stopping === 'gracefully' &&
      (this.harm > this.harmAtStop || !this.workers.some(({ isAccepting }) => isAccepting))
    )
  }

  spawned(worker: WorkerProcess): void {
    this.workers.push(worker)
    if (this.stopping !== 'no') this.#fail('a stop starts nobody', `${worker.name} is started while stopping`)
  }

  /** More processes than there may be: those that are wanted, the surge, and one fleet of those that take long to finish. */
  #checkNumber(): void {
    const isRecent = this.#machine.clock.now - this.#shrankAt < surplusMs
    const living = this.living.filter(({ bornAt }) => !isRecent || bornAt > this.#shrankAt)
    const staying = living.filter(worker => !worker.isTold && !worker.isHung && !this.#wasLate(worker)).length
    const surge = shareOf(this.#surge, this.wanted)
    if (staying <= this.wanted) return
    const most = this.wanted + surge + Math.max(1, this.wanted)
    if (living.length > most)
      this.#fail(
        'the surge is bounded',
        `${living.length} workers live, of whom ${staying} were not told to leave: ${this.wanted} are wanted, and the surge is ${surge}`,
      )
  }

  #isTooLate({ isKnownReady, bornAt, start }: WorkerProcess): boolean {
    const { boot = 0 } = this.configs.get(start?.generation ?? 0) ?? {}
    return !isKnownReady && this.#machine.clock.now - bornAt > boot * 1_000 - 5
  }

  /** It is being killed, or was: if it comes back in time, it stays for a while, and has a successor already. */
  #wasLate({ readyAt, bornAt, start }: WorkerProcess): boolean {
    const { boot = 0 } = this.configs.get(start?.generation ?? 0) ?? {}
    return Math.min(readyAt, this.#machine.clock.now) - bornAt > boot * 1_000 - 5
  }

  told(worker: WorkerProcess, { type }: ToWorker): void {
    if (type === 'start') return this.#started(worker)
    if (type !== 'drain' && type !== 'quit' && type !== 'cancel') return
    this.#machine.note(`${worker.name} is told: ${type}`)
    const served = worker.isKnownReady && worker.isAlive && !worker.isTold
    worker.isTold = true
    worker.toldAt = this.#machine.clock.now
    if (type === 'quit' && this.stopping === 'quickly') worker.excuse ??= 'the stop is a quick one'
    if (!served || this.stopping !== 'no') return
    if (type !== 'drain') this.#fail('who serves may finish', `${worker.name} serves, and is told: ${type}`)
    if (worker.asked) return
    const left = this.workers.filter(
      ({ isKnownGone, isTold, isKnownReady }) => !isKnownGone && !isTold && isKnownReady,
    ).length
    if (left < this.wanted)
      this.#fail(
        'the service is whole',
        `${worker.name} is told to leave, and ${left} of ${this.wanted} workers are left`,
      )
  }

  #started({ start }: WorkerProcess): void {
    if (start === undefined) return
    const config = this.#configAt(Number(start.settings.name))
    if (!this.configs.has(start.generation)) this.#surge = config.surge
    this.configs.set(start.generation, config)
    this.#checkNumber()
  }

  killed(worker: WorkerProcess): void {
    const { now } = this.#machine.clock
    const settings = worker.start?.settings
    if (!worker.isAlive || settings === undefined) return
    const told = now - worker.toldAt
    const isJust =
      worker.isHung ||
      (worker.isTold &&
        (this.stopping === 'quickly' ||
          told > Math.min(2_000, settings.graceful_timeout * 1_000 + 500) - 5)) ||
      this.#isTooLate(worker) ||
      worker.hasClosedChannel ||
      worker.isLiar ||
      worker.saidFailed
    worker.excuse ??= 'it was killed'
    if (!isJust)
      this.#fail(
        'nobody is killed without a reason',
        `${worker.name} is killed, ${now - worker.bornAt} ms after its start`,
      )
  }

  logged(level: LogLevel, text: string): void {
    this.upgrades.logged(text, this.configs.get(this.lastGood)?.boot ?? 0)
    if (text.startsWith('The arbiter')) this.#fail('the arbiter makes no mistake', text)
    const [, gone] = /^Worker (\d+) .*(?:exited|was ended)/.exec(text) ?? []
    const ended = this.workers.find(({ age }) => age === Number(gone))
    if (ended !== undefined) ended.isKnownGone = true
    const [, wanted] = /^Wanted: (\d+) worker/.exec(text) ?? []
    if (wanted !== undefined) {
      if (Number(wanted) < this.wanted) this.#shrankAt = this.#machine.clock.now
      this.wanted = Number(wanted)
    }
    if (wanted === '0') {
      this.#machine.network.giveUp(() => true)
      for (const worker of this.living) worker.isUnwanted = true
    }
    const [, reload, generation] = /^Reload (\d+): generation (\d+) serves/.exec(text) ?? []
    if (generation !== undefined) this.#serves(Number(generation), Number(reload))
    if (text.startsWith('Running: ')) {
      this.isRunning = true
      this.#serves(Math.max(0, ...this.configs.keys()), undefined)
    }
    if (/^Handling signal: (?:term|int|quit)$/.test(text)) this.isAskedToStop = true
    const [, begun] = /^Reload (\d+): reading/.exec(text) ?? []
    if (begun !== undefined) this.openReload = Number(begun)
    if (/^Reload \d+ failed: generation/.test(text)) this.openReload = undefined
    if (/^(?:(?:Reload|Generation) \d+ failed|The new arbiter ended)/.test(text)) {
      const good = this.configs.get(this.lastGood)
      this.#surge = good?.surge ?? this.#surge
      for (const worker of this.living) worker.isUnwanted = worker.start?.generation !== this.lastGood
      if (!good?.hasSecondBind) this.#machine.network.giveUp(address => address.endsWith(':8001'))
    }
    if (/^(?:Stopping: the (?:workers|new arbiter)|Cannot start)/.test(text) && level !== 'debug') {
      this.stopping = text.includes('at once') ? 'quickly' : 'gracefully'
      this.harmAtStop = this.harm
      if (text.startsWith('Cannot start')) this.hasEnded = true
    }
  }

  #serves(generation: number, reload: number | undefined): void {
    this.lastGood = generation
    this.#surge = this.configs.get(generation)?.surge ?? this.#surge
    if (reload === this.openReload) this.openReload = undefined
    const ready = this.workers.filter(
      ({ isKnownGone, isKnownReady, start }) =>
        !isKnownGone && isKnownReady && start?.generation === generation,
    )
    if (ready.length < this.wanted)
      this.#fail(
        'who says that it serves does',
        `generation ${generation} has ${ready.length} of ${this.wanted} workers ready`,
      )
  }

  /** Nothing has happened for a long time: everything has to be as the last good generation wants it. */
  checkRest(): void {
    if (this.isAskedToStop) this.#fail('every stop has an end', 'the arbiter was told to stop, and lives')
    if (this.stopping !== 'no' || !this.isRunning || this.workers.some(({ isLiar }) => isLiar)) return
    const app = this.configs.get(this.lastGood)?.app
    if (app !== 'good' && app !== 'slow') return
    const serving = this.living.filter(({ isAccepting, isTold }) => isAccepting && !isTold)
    const state = `${serving.length} of ${this.wanted} workers serve, of generations ${serving.map(({ start }) => start?.generation).join()}; the last good one is ${this.lastGood}`
    if (this.openReload !== undefined)
      this.#fail('a reload has an end', `reload ${this.openReload} has none: ${state}`)
    if (serving.length !== this.wanted || serving.some(({ start }) => start?.generation !== this.lastGood))
      this.#fail('what is wanted comes back', state)
    if (this.living.length !== serving.length)
      this.#fail('who is told to leave leaves', `${this.living.length} workers live: ${state}`)
  }

  /** The arbiter has ended: nothing is left of it. */
  checkEnd(lines: readonly string[]): void {
    const { clock, descriptors, events, files } = this.#machine
    // Closing them would remove the files of unix sockets that the new arbiter serves: they end with the process.
    const open = [...descriptors].filter(([, { kind }]) => kind === 'file' || !this.wasShared)
    const isWaiting = this.waitsForHook || lines.some(line => line.startsWith('Leaving before all hooks'))
    const left = [
      ...this.living.map(({ name }) => name),
      ...open.map(
        ([fd, file]) => `descriptor ${fd} (${file.kind === 'socket' ? file.socket.address : 'a file'})`,
      ),
      ...(isWaiting ? [] : clock.pending('arbiter')).map(
        ({ at }) => `a timer, due in ${Math.round(at - clock.now)} ms`,
      ),
      ...events.eventNames().map(name => `a listener for ${String(name)}`),
      ...files.paths.filter(path => !path.startsWith('/proc/')),
    ]
    if (left.length > 0) this.#fail('nothing is left behind', left.join(', '))
    for (const worker of this.workers) {
      const says = (line: string) => line.startsWith(`Worker ${worker.age} `) && ends.test(line)
      if (worker.age > 0 && !lines.some(says))
        this.#fail('the log names every end', `nothing is said about the end of ${worker.name}`)
    }
  }

  #fail(rule: string, text: string): void {
    this.#machine.violate(rule, text)
  }
}
