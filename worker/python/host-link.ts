/** What connects a worker with its Python host, however the host has come to be. */
import type { Duplex, Readable } from 'node:stream'

export interface HostLink {
  /** Undefined where it could not be started. */
  readonly pid: number | undefined
  /** Undefined where there was no descriptor for it. */
  readonly control: Duplex | undefined
  readonly queue: Duplex
  /** Where its threads are, when SIGUSR1 has asked for that, or when it crashes. */
  readonly stacks: Readable
  /** One for each thread. */
  readonly channels: readonly Duplex[]
  /** The descriptor of the file for large pieces of answers. */
  readonly store: number | undefined
  /** How it ended, in words, once everything that it said has been read; never rejects. */
  readonly ended: Promise<string>
  /** False if there is nothing to signal. */
  signal(name: NodeJS.Signals): boolean
}

/** How long the last words of a process that has ended may take to arrive, in milliseconds. */
export const lastWordsMs = 1_000
