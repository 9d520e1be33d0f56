/** The global `process`, the timers and the chance of the arbiter, on a simulated machine. */
import type { Entry } from './machine/clock.ts'
import { machine } from './machine/machine.ts'

const realProcess = process

/** To be called once, before the arbiter's modules are loaded. */
export function replaceGlobals(): void {
  globalThis.process = Object.create(realProcess, {
    ...method('on', (name: string, listener: Listener) => void machine().events.on(name, listener)),
    ...method('once', (name: string, listener: Listener) => void machine().events.once(name, listener)),
    ...method('off', (name: string, listener: Listener) => void machine().events.off(name, listener)),
    ...method('listeners', (name: string) => machine().events.listeners(name)),
    ...method('kill', () => true),
    ...method('umask', () => 0o22),
    ...{ ppid: { value: 1 }, connected: { value: false }, title: { value: '', writable: true } },
    hrtime: { value: { bigint: () => BigInt(Math.round(machine().clock.now * 1_000)) * 1_000n } },
  }) as NodeJS.Process
  Math.random = () => machine().random()
  const timers = {
    setTimeout: (run: (...args: unknown[]) => void, delay = 0, ...args: unknown[]) =>
      new Timer(machine().clock.after(Math.max(1, delay), () => run(...args), 'arbiter')),
    setInterval: (run: () => void, delay: number) => new Interval(run, Math.max(1, delay)),
    clearTimeout: (timer?: Timer) => timer?.clear(),
    clearInterval: (timer?: Timer) => timer?.clear(),
  }
  Object.assign(globalThis, timers)
}

type Listener = (...args: unknown[]) => void

function method(name: string, value: (...args: never[]) => unknown): PropertyDescriptorMap {
  return { [name]: { value, writable: true } }
}

class Timer {
  entry: Entry

  constructor(entry: Entry) {
    this.entry = entry
  }

  clear(): void {
    this.entry.isCancelled = true
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }
}

class Interval extends Timer {
  constructor(run: () => void, delay: number) {
    const again = () => {
      this.entry = machine().clock.after(delay, again, 'arbiter')
      run()
    }
    super(machine().clock.after(delay, () => again(), 'arbiter'))
  }
}
