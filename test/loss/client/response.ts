/** Reads one HTTP/1.x response as it arrives, and compares its body with the expected one. */

type Framing = 'length' | 'chunked' | 'until close'

const headEnd = '\r\n\r\n'

export class ResponseReader {
  /** Bytes of the response so far, including its head. */
  received = 0
  isWhole = false
  /** What is wrong with it, in one phrase. */
  wrong: string | undefined
  /** Whether the connection may be reused. */
  keepAlive = false
  /** The process that sent the response. */
  worker: number | undefined
  /** When the server began to send it, in milliseconds of the clock that all processes share. */
  sent: number | undefined
  readonly #expected: Buffer
  #head: string | undefined = ''
  #framing: Framing = 'length'
  #length = 0
  #read = 0
  /** For a chunked body: the rest of the current chunk, and the line between two chunks as far as it has arrived. */
  #chunk = 0
  #line = ''
  #isLast = false

  constructor(expected: Buffer) {
    this.#expected = expected
  }

  /** Returns the bytes after a response whose length is known. */
  push(bytes: Buffer): Buffer {
    const body = this.#head === undefined ? bytes : this.#readHead(this.#head, bytes)
    const left = this.#framing === 'length' ? this.#length - this.#read : body.length
    const own = body.subarray(0, left)
    const rest = body.subarray(left)
    this.received += bytes.length - rest.length
    if (own.length > 0) {
      if (this.#framing === 'chunked') this.#readChunks(own)
      else this.#compare(own)
    }
    if (this.#framing === 'length' && this.#head === undefined && this.#read >= this.#length)
      this.isWhole = true
    return rest
  }

  /** The server has closed its side of the connection. */
  end(): void {
    if (this.#head === undefined && this.#framing === 'until close' && this.#read === this.#expected.length)
      this.isWhole = true
  }

  /** Returns the bytes after the head. */
  #readHead(begun: string, bytes: Buffer): Buffer {
    const head = begun + bytes.toString('latin1')
    const end = head.indexOf(headEnd)
    if (end === -1) {
      this.#head = head
      return bytes.subarray(bytes.length)
    }
    this.#head = undefined
    this.#understand(head.slice(0, end))
    return bytes.subarray(end + headEnd.length - begun.length)
  }

  #understand(head: string): void {
    const [, version, status] = /^HTTP\/(1\.[01]) (\d{3})/.exec(head) ?? []
    if (status !== '200') this.wrong = `status line ${head.split('\r\n', 1)[0]}`
    const connection = field(head, 'connection')?.toLowerCase()
    const length = field(head, 'content-length')
    this.worker = Number(field(head, 'x-worker')) || undefined
    this.keepAlive = version === '1.1' ? connection !== 'close' : connection === 'keep-alive'
    this.sent = Number(field(head, 'x-sent')) || undefined
    if (field(head, 'transfer-encoding') === 'chunked') this.#framing = 'chunked'
    else if (length !== undefined) this.#length = Number(length)
    else this.#framing = 'until close'
  }

  #readChunks(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length && !this.isWhole) {
      if (this.#chunk > 0) {
        const end = Math.min(bytes.length, at + this.#chunk)
        this.#compare(bytes.subarray(at, end))
        this.#chunk -= end - at
        at = end
      } else {
        at = this.#readLine(bytes, at)
      }
    }
    if (at < bytes.length) this.wrong ??= 'bytes after the last chunk'
  }

  /** Reads a line between chunks: a size, the empty line after a chunk, or the end; there are no trailers. */
  #readLine(bytes: Buffer, from: number): number {
    const feed = bytes.indexOf(0x0a, from)
    const end = feed === -1 ? bytes.length : feed + 1
    this.#line += bytes.toString('latin1', from, end)
    if (feed === -1) return end
    const line = this.#line.trim()
    this.#line = ''
    if (this.#isLast) this.isWhole = true
    else if (line !== '') {
      this.#chunk = Number.parseInt(line, 16)
      this.#isLast = this.#chunk === 0
      if (Number.isNaN(this.#chunk)) {
        this.#chunk = 0
        this.wrong ??= `"${line}" where the size of a chunk belongs`
      }
    }
    if (this.isWhole && this.#read !== this.#expected.length) this.wrong ??= `${this.#read} bytes of body`
    return end
  }

  #compare(bytes: Buffer): void {
    const end = this.#read + bytes.length
    const isEqual =
      end <= this.#expected.length && this.#expected.compare(bytes, 0, bytes.length, this.#read, end) === 0
    if (!isEqual) this.wrong ??= `the body differs after byte ${this.#read}`
    this.#read = end
  }
}

function field(head: string, name: string): string | undefined {
  const lower = head.toLowerCase()
  const at = lower.indexOf(`\r\n${name}:`)
  if (at === -1) return undefined
  const from = at + name.length + 3
  const end = head.indexOf('\r\n', from)
  return head.slice(from, end === -1 ? undefined : end).trim()
}
