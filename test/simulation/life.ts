/** One life of a server: the real arbiter on a simulated machine, from its start to its end. */
import { mergeLayers } from '../../config/resolve/layers.ts'
import { parseSettings } from '../../config/resolve/parsed.ts'
import type { Resolved } from '../../config/resolve/resolve.ts'
import { Arbiter } from '../../daemon/arbiter/arbiter.ts'
import type { Server } from '../../daemon/arbiter/server.ts'
import type { Command } from '../../daemon/control/controlled.ts'
import { RecentLines } from '../../daemon/logs/recent-lines.ts'
import { Outlets } from '../../daemon/logs/telemetry.ts'
import { Pidfile } from '../../daemon/process/pidfile.ts'
import type { ProcessGuard } from '../../daemon/process/process-guard.ts'
import type { Hooks } from '../../hooks/table.ts'
import { within } from '../../hooks/time-limit.ts'
import type { ConfigFate, Fate, HookKind, Planned } from './fate.ts'
import { SimulatedLog } from './log.ts'
import { Machine, type SpawnedWith, useMachine, type Violation } from './machine/machine.ts'
import { Network } from './machine/network.ts'
import { systemError } from './machine/system-error.ts'
import { setTimeout as sleep } from './os/timers.ts'
import { NewArbiterProcess } from './programs/new-arbiter-process.ts'
import { Handle } from './programs/process.ts'
import { WorkerProcess } from './programs/worker-process.ts'
import { Rules } from './rules.ts'

/** How a life went. */
export interface Outcome {
  readonly violation: Violation | undefined
  readonly story: readonly string[]
  /** How long it was, in milliseconds of its own clock. */
  readonly lasted: number
  readonly served: number
}

/** From the last event until everything has to be at rest, in milliseconds: pauses after crashes, and long drains. */
const restMs = 300_000

/** The same where hooks that never settle queue up. */
const restWithHooksMs = 400_000

/** How long a stop may take: `graceful_timeout`, `boot_timeout` of an upgrade, hooks; in milliseconds. */
const stopMs = 250_000

const firstBind = '127.0.0.1:8000'
const secondBind = '127.0.0.1:8001'

const { settings: defaults, origins } = mergeLayers([], { env: {}, cwd: '/srv' })

/** What the microtasks of the arbiter are waited for with. */
const turn = setImmediate

export async function live(fate: Fate): Promise<Outcome> {
  return await new Life(fate).run()
}

class Life {
  readonly #fate: Fate
  readonly #machine: Machine
  readonly #rules: Rules
  readonly #log: SimulatedLog
  readonly #guard = { onStray: (_: unknown) => undefined as void, keep: () => undefined }
  #readings = 0
  #hasEnded = false
  /** Puts what a client asks for into the inbox. */
  #ask: (command: Command) => void = () => undefined

  constructor(fate: Fate) {
    this.#fate = fate
    this.#machine = new Machine(fate.seed)
    useMachine(this.#machine)
    this.#machine.network = new Network(this.#machine)
    this.#machine.spawn = (_, args, options) => this.#spawn(args, options)
    this.#machine.beat = () => {
      for (const worker of this.#rules.living) worker.beat()
    }
    this.#machine.files.create('/proc/self/stat', '1 (node) S 1 1 1 0 -1')
    this.#rules = new Rules(this.#machine, fate.config)
    this.#log = new SimulatedLog(this.#machine, (level, text) => this.#rules.logged(level, text))
  }

  async run(): Promise<Outcome> {
    const start = this.#machine.clock.now
    await this.#run()
    const { clock, network, story, violation } = this.#machine
    return { violation, story, lasted: clock.now - start, served: network.served }
  }

  async #run(): Promise<void> {
    const { clock } = this.#machine
    const pidfile = new Pidfile(message => this.#log.error(message))
    const resolved = this.#resolved(0)
    const arbiter = new Arbiter({
      resolved,
      inheritedFds: { descriptors: [], oldArbiter: undefined, appBinds: { binds: [], late: [] } },
      notifier: undefined,
      control: {
        serve: ask => {
          this.#ask = ask
        },
        move: () => Promise.resolve(),
      },
      admin: undefined,
      recentLines: new RecentLines(),
      version: '0.0.0',
      guard: this.#guard as unknown as ProcessGuard,
      pidfile,
      cwd: '/srv',
      readAgain: signal => this.#read(signal),
      log: this.#log,
      outlets: new Outlets(message => this.#log.error(message)),
      env: {},
      preload: async () => undefined,
      boots: this.#fate.boots,
    })
    const end = (code: number) => {
      this.#machine.note(`The arbiter ends with code ${code}`)
      this.#hasEnded = true
      this.#rules.hasEnded = true
      this.#rules.wasShared = this.#rules.newArbiters.some(({ isHeardOf }) => !isHeardOf)
      pidfile.close()
    }
    arbiter.run().then(end, (error: unknown) => {
      this.#machine.violate('the arbiter does not fail', String((error as Error).stack))
      this.#hasEnded = true
    })
    for (const planned of this.#fate.events) clock.after(planned.at, () => this.#happen(planned))
    const lastEvent = Math.max(0, ...this.#fate.events.map(({ at }) => at))
    this.#letClientsCome(lastEvent + 20_000)
    await this.#advance(lastEvent + restMs)
    if (this.#rules.waitsForHook) await this.#advance(restWithHooksMs - restMs)
    if (!this.#hasEnded && this.#machine.violation === undefined) {
      this.#rules.checkRest()
      this.#machine.note(`The life is ended with ${this.#fate.end}`)
      this.#machine.tell(() => this.#machine.events.emit(`SIG${this.#fate.end}`))
      await this.#advance(stopMs)
      if (!this.#hasEnded)
        this.#machine.violate('every stop has an end', `${this.#fate.end} has not ended the arbiter`)
    }
    await this.#advance(40_000, true)
    if (this.#machine.violation === undefined) this.#rules.checkEnd(this.#log.lines)
  }

  /** One event after the other, for so long, or until the end of the arbiter. */
  async #advance(milliseconds: number, isOver = false): Promise<void> {
    const { clock } = this.#machine
    let isDue = false
    const due = clock.after(milliseconds, () => {
      isDue = true
    })
    let concernsArbiter = true
    for (;;) {
      if (concernsArbiter) await new Promise(resolve => turn(resolve))
      if (this.#machine.violation !== undefined) return
      if (isDue) return
      if (this.#hasEnded && !isOver) {
        due.isCancelled = true
        return
      }
      const entry = clock.next()
      if (entry === undefined) {
        if (!isOver) this.#machine.violate('every wait has an end', 'the arbiter waits for nothing')
        return
      }
      if (entry.owner === 'arbiter' && clock.now < this.#machine.stoppedUntil) {
        clock.postpone(entry, this.#machine.stoppedUntil)
        continue
      }
      entry.run()
      concernsArbiter = entry.owner === 'arbiter'
    }
  }

  #letClientsCome(until: number): void {
    const { clock, network, random } = this.#machine
    const end = clock.now + until
    const come = () => {
      if (this.#hasEnded || clock.now > end) return
      const long = random() < 0.03 ? 20_000 : 0
      const address = random() < 0.7 ? firstBind : secondBind
      const client = network.connect(address, 1 + random() * 300 + random() * long)
      const isRunning =
        this.#rules.isRunning &&
        this.#rules.stopping === 'no' &&
        !this.#rules.workers.some(({ isLiar }) => isLiar)
      if (client.outcome === 'refused' && address === firstBind && isRunning)
        this.#machine.violate(
          'no request is lost',
          `client ${client.number} is refused while the server runs`,
        )
      clock.after(random() * 2 * this.#fate.clientsEvery, come)
    }
    clock.after(0, come)
  }

  #spawn(args: readonly string[], options: SpawnedWith): unknown {
    const { faults, random } = this.#machine
    if (faults.has('no processes')) {
      if (random() < 0.5) throw systemError('ENOMEM')
      const handle = new Handle(undefined, () => false)
      this.#machine.tell(() => handle.emit('error', systemError('EAGAIN')))
      return handle
    }
    const isWorker = args.some(arg => arg.includes('/worker/preload.'))
    if (!isWorker) {
      const { newArbiters } = this.#rules
      const next = new NewArbiterProcess(this.#machine, options, this.#fate.newArbiter(newArbiters.length))
      newArbiters.push(next)
      return next.handle
    }
    const worker = new WorkerProcess(this.#machine, options, this.#fate, (one, message) =>
      this.#rules.told(one, message),
    )
    const { kill } = worker.handle
    Object.assign(worker.handle, {
      kill: (signal: NodeJS.Signals) => {
        if (signal === 'SIGKILL') this.#rules.killed(worker)
        else worker.isTold = true
        return kill(signal)
      },
    })
    this.#rules.spawned(worker)
    return worker.handle
  }

  #happen({ what }: Planned): void {
    const { clock, events, faults } = this.#machine
    if (this.#hasEnded) return
    this.#machine.note(`>>> ${describe(what)}`)
    const { living } = this.#rules
    const worker = 'place' in what ? living[what.place % Math.max(1, living.length)] : undefined
    if (!['signal', 'scale', 'replace worker', 'queue', 'take the upgrade back'].includes(what.kind))
      this.#rules.harm += 1
    switch (what.kind) {
      case 'signal':
        return this.#machine.tell(() => events.emit(`SIG${what.name}`))
      case 'end new arbiter':
        return this.#rules.newArbiters.find(({ isAlive }) => isAlive)?.signalled(what.signal)
      case 'fault':
        faults.add(what.fault)
        return void clock.after(what.forMs, () => faults.delete(what.fault))
      case 'kill worker':
        if (worker === undefined) return
        if (what.signal !== 'SIGTERM') worker.excuse ??= `somebody sent it ${what.signal}`
        return worker.signalled(what.signal)
      case 'hang worker':
        return worker?.hang(what.forMs)
      case 'worker says':
        if (worker === undefined) return
        if (what.text.includes('leaving')) worker.asked = true
        if (what.text.includes('ready')) worker.isLiar ||= !worker.isAccepting
        if (what.text.includes('failed')) worker.saidFailed ||= !worker.isKnownReady
        return worker.handle.stdio[3]?.say(what.text, undefined, () => {
          worker.isKnownReady ||= what.text.includes('ready')
        })
      case 'worker closes its channel':
        if (worker !== undefined) worker.asked = true
        return worker?.closeChannel()
      case 'stop the arbiter':
        this.#machine.stoppedUntil = clock.now + what.forMs
        return this.#machine.tell(() => events.emit('SIGCONT'), what.forMs)
      case 'sleep':
        return clock.sleep(what.forMs)
      case 'scale':
        return this.#tellArbiter(controls => controls.scaleTo(what.wanted))
      case 'queue':
        return this.#tellArbiter(({ server }) => {
          const { min, max } = server.resolved.parsed.workers
          if (min < max) (server as Server).autoscale(what.queued)
        })
      case 'replace worker':
        return this.#tellArbiter(({ server }) => {
          server.fleet.workers.find(({ age }) => age === worker?.age)?.recycle('an operator asked')
        })
      case 'take the upgrade back':
        return this.#tellArbiter(({ server }) => {
          if (server.upgrader.recall()) this.#rules.upgrades.takenBack()
        })
      case 'stray error':
        return this.#machine.tell(() => this.#guard.onStray(new Error('nobody handles this')))
    }
  }

  #tellArbiter(command: Command): void {
    this.#machine.tell(() => this.#ask(command))
  }

  async #read(signal: AbortSignal): Promise<Resolved> {
    this.#readings += 1
    const reading = this.#readings
    const { outcome, takes } = this.#fate.config(reading)
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
    const read = outcome === 'never ends' ? aborted : Promise.race([aborted, sleep(takes)])
    await within(30_000, read, () => new Error('The configuration takes longer than hook_timeout'))
    if (outcome === 'bad') throw new Error('The configuration is wrong')
    return this.#resolved(reading)
  }

  #resolved(reading: number): Resolved {
    const config = this.#fate.config(reading)
    const settings = {
      ...defaults,
      proc_name: String(reading),
      app: config.app,
      chdir: '/srv',
      workers: { min: config.workers, max: config.most },
      bind: config.hasSecondBind ? [firstBind, secondBind] : [firstBind],
      pidfile: config.hasPidfile ? '/run/app.pid' : null,
      timeout: config.timeout,
      graceful_timeout: config.graceful,
      boot_timeout: config.boot,
      hook_timeout: config.hookTimeout,
      drain_delay: config.drainDelay,
      reload_surge: config.surge,
      reload_bake: config.bake,
    }
    const hooks = this.#hooks(config)
    return {
      command: 'serve',
      json: false,
      settings,
      parsed: parseSettings(settings, origins).parsed,
      hooks,
      origins: { ...origins, bind: '--bind' },
      files: [],
    }
  }

  #hooks({ hooks }: ConfigFate): Hooks {
    this.#rules.waitsForHook ||= Object.values(hooks).includes('never settles')
    const made = Object.entries(hooks).flatMap(([name, kind]) =>
      kind === 'none' ? [] : [[name, hookOf(kind)]],
    )
    return Object.fromEntries(made)
  }
}

function hookOf(kind: HookKind): () => unknown {
  switch (kind) {
    case 'slow':
      return () => sleep(800)
    case 'throws':
      return () => {
        throw new Error('the hook fails')
      }
    case 'never settles':
      return () => new Promise(() => undefined)
    default:
      return () => undefined
  }
}

function describe(what: Planned['what']): string {
  const { kind, ...rest } = what
  return [kind, ...Object.values(rest).map(value => JSON.stringify(value))].join(' ')
}
