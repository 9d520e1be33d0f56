/** The frames between a worker and its Python host; `host.py` says what they look like. */

/** From the worker to the host. */
export const requestFrame = 1
export const dataFrame = 2
export const endFrame = 3
export const abortFrame = 4
export const takenFrame = 5

/** From the host to the worker. */
export const headFrame = 1
export const bodyFrame = 2
export const lastFrame = 3
export const pullFrame = 4
export const readyFrame = 5
export const failedFrame = 6
export const hintsFrame = 7

/** The flag of a request whose whole body is in its frame. */
export const wholeFlag = 1

/** Flags of answers: nothing follows, the answer is incomplete, the body is in the file in memory. */
export const finalFlag = 1
export const brokenFlag = 2
export const storedFlag = 4

/** Flags of a failure to load: the app cannot be served, or there is no such module, file or version. */
export const unusableFlag = 1
export const missingFlag = 2

export const frameBytes = 14

/** What its first fourteen bytes say. */
export interface FrameStart {
  readonly kind: number
  readonly flags: number
  /** Of head and body, in bytes. */
  readonly length: number
  readonly headLength: number
  readonly number: number
}

export function readFrameStart(bytes: Buffer, at: number): FrameStart {
  return {
    length: bytes.readUInt32LE(at),
    kind: bytes[at + 4] as number,
    flags: bytes[at + 5] as number,
    headLength: bytes.readUInt32LE(at + 6),
    number: bytes.readUInt32LE(at + 10),
  }
}

/** The start of a frame without a head. */
export function frameStart(kind: number, number: number, size = 0): Buffer {
  const frame = Buffer.allocUnsafe(frameBytes)
  writeStart(frame, { kind, flags: 0, length: size, headLength: 0, number })
  return frame
}

/** A whole frame; the head has latin-1 characters only. */
export function frameOf(
  kind: number,
  number: number,
  { flags = 0, head, body }: { readonly flags?: number; readonly head: string; readonly body?: Buffer },
): Buffer {
  const size = body?.length ?? 0
  const frame = Buffer.allocUnsafe(frameBytes + head.length + size)
  writeStart(frame, { kind, flags, length: head.length + size, headLength: head.length, number })
  frame.write(head, frameBytes, 'latin1')
  body?.copy(frame, frameBytes + head.length)
  return frame
}

/** A length and these bytes, as a fork server reads them. */
export function sized(bytes: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32LE(bytes.length, 0)
  return Buffer.concat([size, bytes])
}

function writeStart(frame: Buffer, { kind, flags, length, headLength, number }: FrameStart): void {
  frame.writeUInt32LE(length, 0)
  frame[4] = kind
  frame[5] = flags
  frame.writeUInt32LE(headLength, 6)
  frame.writeUInt32LE(number, 10)
}
