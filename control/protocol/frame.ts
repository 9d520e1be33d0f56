/** The framing on a control socket, as in Gunicorn: four bytes with the length, big-endian, then JSON in UTF-8. */

/** Limits for one message, in bytes: what a server takes, and what a client takes. */
export const longestRequest = 64 * 1024
export const longestAnswer = 16 * 1024 * 1024

const headBytes = 4

/** The other side does not speak this protocol. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
}

export function encodeFrame(message: object): Buffer {
  const text = JSON.stringify(message)
  const bytes = Buffer.alloc(headBytes + Buffer.byteLength(text))
  bytes.writeUInt32BE(bytes.length - headBytes)
  bytes.write(text, headBytes)
  return bytes
}

/** A message of which a part is there as JSON already, to be sent in this order. */
export function frameAround(start: string, json: Buffer, end: string): readonly Buffer[] {
  const head = Buffer.alloc(headBytes + Buffer.byteLength(start))
  head.writeUInt32BE(head.length - headBytes + json.length + Buffer.byteLength(end))
  head.write(start, headBytes)
  return [head, json, Buffer.from(end)]
}

/** Joins what arrives in pieces. Holds one message at most, in one buffer of its size. */
export class FrameReader {
  readonly #longest: number
  readonly #head = Buffer.alloc(headBytes)
  #body: Buffer | undefined
  #filled = 0

  constructor(longest: number) {
    this.#longest = longest
  }

  /**
   * Returns the messages that are complete now.
   *
   * @throws FrameError for one that is empty, too long, or not JSON; nothing can be read after it
   */
  push(bytes: Buffer): unknown[] {
    const messages: unknown[] = []
    for (let at = 0; at < bytes.length; ) {
      const target = this.#body ?? this.#head
      const copied = bytes.copy(target, this.#filled, at)
      at += copied
      this.#filled += copied
      if (this.#filled < target.length) break
      this.#filled = 0
      if (this.#body === undefined) this.#body = Buffer.alloc(this.#readLength())
      else {
        messages.push(parse(this.#body))
        this.#body = undefined
      }
    }
    return messages
  }

  #readLength(): number {
    const length = this.#head.readUInt32BE()
    if (length > 0 && length <= this.#longest) return length
    throw new FrameError(`A message has ${length} bytes: 1 to ${this.#longest} are possible`)
  }
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch (error) {
    throw new FrameError(`A message is not JSON: ${(error as Error).message}`, { cause: error })
  }
}
