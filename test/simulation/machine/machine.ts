/** The machine that an arbiter is simulated on: its clock, its descriptors, its files, its processes and its network. */
import { EventEmitter } from 'node:events'
import { createRandom, type Random } from '../../attack/random.ts'
import { Clock } from './clock.ts'
import { FileTable, type Inode } from './file-table.ts'
import type { ListeningSocket, Network } from './network.ts'
import { systemError } from './system-error.ts'

/** What is wrong with the machine for a while. */
export type Fault = 'disk full' | 'no descriptors' | 'no processes' | 'scoreboard unreadable' | 'port taken'

/** Something that must not be. */
export class Violation extends Error {
  readonly rule: string

  constructor(rule: string, text: string) {
    super(`${rule}: ${text}`)
    this.rule = rule
  }
}

/** What a descriptor leads to. */
export type OpenFile = { readonly kind: 'file'; readonly file: Inode } | SocketFile

export interface SocketFile {
  readonly kind: 'socket'
  readonly socket: ListeningSocket
}

/** Starts the program that belongs to a command line; the arbiter sees what `child_process.spawn` would give it. */
export type Spawn = (file: string, args: readonly string[], options: SpawnedWith) => unknown

export interface SpawnedWith {
  readonly stdio: readonly unknown[]
  readonly env: Readonly<Record<string, string | undefined>>
}

export class Machine {
  readonly clock = new Clock()
  readonly files = new FileTable()
  readonly faults = new Set<Fault>()
  /** The arbiter's. */
  readonly descriptors = new Map<number, OpenFile>()
  /** The events of the arbiter's `process`. */
  readonly events = new EventEmitter().setMaxListeners(0)
  readonly random: Random
  readonly story: string[] = []
  network!: Network
  spawn!: Spawn
  /** Every worker writes its heartbeat when the arbiter looks. */
  beat: () => void = () => undefined
  /** Until when the arbiter is stopped. */
  stoppedUntil = 0
  /** The first rule that was broken: it is never thrown, for the arbiter would catch it. */
  violation: Violation | undefined
  #pid = 100

  constructor(seed: number) {
    this.random = createRandom(seed)
  }

  newPid(): number {
    this.#pid += 1
    return this.#pid
  }

  open(file: OpenFile): number {
    if (this.faults.has('no descriptors')) throw systemError('EMFILE')
    let fd = 20
    while (this.descriptors.has(fd)) fd += 1
    this.descriptors.set(fd, file)
    if (file.kind === 'socket') file.socket.hold()
    return fd
  }

  close(fd: number): void {
    const file = this.descriptors.get(fd)
    if (file === undefined) return this.violate('descriptors are closed once', `descriptor ${fd} is not open`)
    this.descriptors.delete(fd)
    if (file.kind === 'socket') file.socket.release('the arbiter closed it')
  }

  /** Happens in the arbiter's process, a moment later. */
  tell(run: () => void, milliseconds = this.random() * 2): void {
    this.clock.after(milliseconds, run, 'arbiter')
  }

  violate(rule: string, text: string): void {
    this.violation ??= new Violation(rule, text)
    this.note(`VIOLATION: ${rule}: ${text}`)
  }

  /** Goes into the story of this life. */
  note(text: string): void {
    this.story.push(`${((this.clock.now - 1_000_000) / 1_000).toFixed(3).padStart(9)}  ${text}`)
  }
}

// Modules may ask for something while they are loaded.
let current = new Machine(0)

/** The machine that the arbiter runs on now. */
export function machine(): Machine {
  return current
}

export function useMachine(next: Machine): void {
  current = next
}
