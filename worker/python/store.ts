/** A file in memory through which large pieces of answers come from Python, and the buffers that they are read into. */
import { randomUUID } from 'node:crypto'
import { openSync, readSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** The place of a thread in the file, in bytes; as in `host.py`. */
const placeBytes = 1_048_576

/** So many buffers are kept: making one costs more than filling it, because the kernel has to find and clear its pages. */
const mostSpare = 16

const spare: Buffer[] = []

/** A piece of an answer in one of the buffers. */
export interface StoredPiece {
  readonly bytes: Buffer
  /** Call when nobody reads it any more; a buffer that is not given back is collected as garbage. */
  release(): void
}

export interface Store {
  /** To be closed. */
  readonly fd: number
  readonly path: string
  /** Takes its name away, once the host has opened it. */
  hide(): void
}

/** A file for large pieces of answers, which is only in memory; undefined where there is no room for one. */
export function openStore(): Store | undefined {
  const path = join('/dev/shm', `tsicorn-${process.pid}-${randomUUID()}`)
  try {
    const fd = openSync(path, 'wx+', 0o600)
    return { fd, path, hide: () => rmSync(path, { force: true }) }
  } catch {
    // Everything goes through the sockets.
    return undefined
  }
}

export function readStored(store: number, place: number, size: number): StoredPiece {
  const whole = spare.pop() ?? Buffer.allocUnsafeSlow(placeBytes)
  const bytes = whole.subarray(0, size)
  readSync(store, bytes, 0, bytes.length, place)
  return {
    bytes,
    release() {
      if (spare.length < mostSpare) spare.push(whole)
    },
  }
}
