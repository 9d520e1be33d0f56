/** The channel of one Python thread: reads what it says about the requests that it has. */
import type { Duplex } from 'node:stream'
import { type FrameStart, frameBytes, frameStart, readFrameStart, takenFrame } from '../python/frame.ts'
import { readStored, type StoredPiece } from '../python/store.ts'

/** What is to be done about a frame. Its body may come in pieces; the last one ends it. */
export interface FrameListener {
  /** A frame begins; the head is complete. */
  frame(start: FrameStart, head: Buffer, channel: ThreadChannel): void
  /** A piece of its body; called with an empty one where it has none. */
  piece(bytes: Buffer, isLast: boolean, start: FrameStart, channel: ThreadChannel): void
}

export class ThreadChannel {
  readonly #socket: Duplex
  readonly #listener: FrameListener
  #rest: Buffer | undefined
  /** The frame whose body has not arrived completely. */
  #open: FrameStart | undefined
  #left = 0
  isPaused = false

  constructor(socket: Duplex, listener: FrameListener) {
    this.#socket = socket
    this.#listener = listener
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    // Its host has ended, which is noticed by its process.
    socket.on('error', () => undefined)
  }

  /** What the thread has left in the file, at this place. */
  takeStored(store: number, place: number, size: number, number: number): StoredPiece {
    const piece = readStored(store, place, size)
    this.tell(takenFrame, number)
    return piece
  }

  /** The thread waits until `resume` with what it says beyond the buffers. */
  pause(): void {
    this.isPaused = true
    this.#socket.pause()
  }

  resume(): void {
    this.isPaused = false
    this.#socket.resume()
  }

  /** Says something about the request of this number; false when more has to wait for `drained`. */
  tell(kind: number, number: number, body?: Buffer): boolean {
    if (!this.#socket.writable) return true
    if (body === undefined) return this.#socket.write(frameStart(kind, number))
    this.#socket.cork()
    this.#socket.write(frameStart(kind, number, body.length))
    const takesMore = this.#socket.write(body)
    this.#socket.uncork()
    return takesMore
  }

  drained(call: () => void): void {
    this.#socket.once('drain', call)
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk])
    this.#rest = undefined
    let at = 0
    while (at < bytes.length) {
      if (this.#open !== undefined) {
        const size = Math.min(this.#left, bytes.length - at)
        this.#pass(bytes.subarray(at, at + size), this.#open)
        at += size
        continue
      }
      if (bytes.length - at < frameBytes) break
      const start = readFrameStart(bytes, at)
      const body = at + frameBytes + start.headLength
      if (bytes.length < body) break
      this.#listener.frame(start, bytes.subarray(at + frameBytes, body), this)
      this.#left = start.length - start.headLength
      const end = Math.min(body + this.#left, bytes.length)
      this.#pass(bytes.subarray(body, end), start)
      at = end
    }
    if (at < bytes.length) this.#rest = bytes.subarray(at)
  }

  #pass(piece: Buffer, start: FrameStart): void {
    this.#left -= piece.length
    this.#open = this.#left > 0 ? start : undefined
    if (piece.length > 0 || this.#left === 0) this.#listener.piece(piece, this.#left === 0, start, this)
  }
}
