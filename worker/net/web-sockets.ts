/** The open WebSockets of a worker, for closing them properly at the end. */
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** A close frame with the code 1001, going away (RFC 6455, section 5.5.1). */
const goingAway = Buffer.from([0x88, 0x02, 0x03, 0xe9])

export class WebSockets {
  /** Each with the number of bytes written before its handshake. */
  readonly #open = new Map<Duplex, number>()

  add(socket: Duplex): void {
    this.#open.set(socket, bytesWrittenOn(socket))
    socket.once('close', () => this.#open.delete(socket))
  }

  has(socket: Duplex): boolean {
    return this.#open.has(socket)
  }

  /** Sends a close frame on each whose handshake is done. */
  sayGoingAway(): void {
    for (const [socket, bytesBefore] of this.#open) {
      if (bytesWrittenOn(socket) > bytesBefore) socket.end(goingAway)
    }
  }
}

function bytesWrittenOn(socket: Duplex): number {
  return socket instanceof Socket ? socket.bytesWritten : 0
}
