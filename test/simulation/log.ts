/** The error log of a simulated arbiter: lines in memory. */
import type { ErrorLog } from '../../daemon/logs/error-log.ts'
import type { LogLevel } from '../../worker/protocol/messages.ts'
import type { Machine } from './machine/machine.ts'

export class SimulatedLog implements ErrorLog {
  readonly lines: string[] = []
  readonly #machine: Machine
  readonly #hear: (level: LogLevel, message: string) => void

  constructor(machine: Machine, hear: (level: LogLevel, message: string) => void) {
    this.#machine = machine
    this.#hear = hear
  }

  readonly write = (level: LogLevel, message: string): void => {
    this.lines.push(message)
    this.#machine.note(`  [${level}] ${message}`)
    this.#hear(level, message)
  }

  debug(message: string): void {
    this.write('debug', message)
  }

  info(message: string): void {
    this.write('info', message)
  }

  warning(message: string): void {
    this.write('warning', message)
  }

  error(message: string): void {
    this.write('error', message)
  }

  critical(message: string): void {
    this.write('critical', message)
  }

  print(): void {
    // Workers print nothing here.
  }

  setLevel(): void {
    // All of it is wanted.
  }

  setFormat(): void {
    // There is no file.
  }

  async reopen(): Promise<void> {
    // There is no file.
  }

  async moveTo(): Promise<void> {
    if (this.#machine.faults.has('disk full'))
      throw new Error('Cannot open the error log: no space left on device')
  }

  async close(): Promise<void> {
    // There is no file.
  }
}
