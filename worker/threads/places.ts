/** What each thread gets of its worker: its own descriptors, its share of the limits, its numbers. */
import { closeSync, fstatSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { entryFile } from '../../hooks/own-files.ts'
import { appPathOf, findAppFile } from '../protocol/app-file.ts'
import type { InheritedListener, Start } from '../protocol/messages.ts'

/** The file of the app, which is the main module of each thread; a package can only be found by the thread. */
export function threadFile(app: string): string {
  const none = fileURLToPath(entryFile('worker/preload'))
  try {
    return findAppFile(appPathOf(app), process.cwd()) ?? none
  } catch {
    // The user of the worker may be able to read the folder.
    return none
  }
}

/** What a thread is told first; what concerns the process as a whole, the main thread does. */
export function threadStart(start: Start, index: number, threads: number): Start {
  const { watchdog, ...rest } = start
  const { worker_connections: connections } = start.settings
  return {
    ...rest,
    listeners: start.listeners.map(listener => ownDescriptors(listener, index, countSockets(start))),
    settings: {
      ...start.settings,
      max_requests: 0,
      max_worker_rss: 0,
      max_worker_lifetime: 0,
      worker_connections: shareOf(connections, index, threads),
    },
  }
}

/** The first threads get what cannot be divided. */
function shareOf(total: number, index: number, threads: number): number {
  return Math.floor(total / threads) + (index < total % threads ? 1 : 0)
}

function countSockets({ listeners }: Start): number {
  return listeners.filter(({ fd }) => fd !== -1).length
}

/** The worker inherits each socket twice for each thread: closing it in one must leave it open in the others. */
function ownDescriptors(listener: InheritedListener, index: number, sockets: number): InheritedListener {
  if (listener.fd === -1) return listener
  const before = 2 * sockets * index
  return { ...listener, fd: listener.fd + before, spare: listener.spare + before }
}

/** Each instance of the app has a number of its own among those of all workers, and one among those of its worker. */
export function variablesOf({ index }: Start, thread: number, threads: number): NodeJS.ProcessEnv {
  const instance = `${index * threads + thread}`
  return {
    TSICORN_WORKER_INDEX: instance,
    NODE_APP_INSTANCE: instance,
    TSICORN_THREAD_INDEX: `${thread}`,
  }
}

/** The inherited sockets, recognised by their inodes: the kernel reuses the numbers of descriptors. */
export class Sockets {
  readonly #inodes: ReadonlySet<string>

  constructor(listeners: readonly InheritedListener[]) {
    this.#inodes = new Set(listeners.flatMap(({ fd }) => inodeOf(fd) ?? []))
  }

  /** Closes what a thread that has ended has left open: connections would be queued there that nobody accepts. */
  close(listeners: readonly InheritedListener[]): void {
    for (const fd of listeners.flatMap(listener => [listener.fd, listener.spare])) {
      if (this.#inodes.has(inodeOf(fd) ?? '')) closeSync(fd)
    }
  }
}

/** Undefined for what is no open descriptor. */
function inodeOf(fd: number): string | undefined {
  if (fd === -1) return undefined
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true })
    return `${dev}:${ino}`
  } catch {
    return undefined
  }
}
