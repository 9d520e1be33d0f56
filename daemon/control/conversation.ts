/** One client of the control socket. Whatever it sends or fails to read costs the arbiter little. */
import type { Socket } from 'node:net'
import { encodeFrame, FrameReader, frameAround, longestRequest } from '../../control/protocol/frame.ts'
import { type Answer, protocolVersion, type Request } from '../../control/protocol/messages.ts'

/** A request, and how to answer it. */
export interface Asked {
  readonly command: string
  readonly args: readonly string[]
  readonly reply: Reply
}

/** No method throws; what is sent to a client that is gone is dropped. */
export interface Reply {
  /** Where it was asked, in words for the log. */
  readonly place: string
  progress(data: unknown): void
  ok(data: unknown): void
  /** The data as JSON: it is sent as it is, and may be long. */
  okText(data: Buffer): void
  error(text: string): void
  /** Calls `stop` when the client has its last answer, or is gone. */
  onEnd(stop: () => void): void
}

/** How many requests of one client may be under way. */
const mostRequests = 32

/** How many bytes may wait for a client that does not read. */
const mostUnread = 1024 * 1024

/** How long a client may be silent without waiting for an answer, in milliseconds. */
const idleMs = 300_000

export class Conversation {
  readonly #socket: Socket
  readonly #hear: (asked: Asked) => void
  readonly #reader = new FrameReader(longestRequest)
  /** What to stop when a request has its answer. */
  readonly #open = new Map<Request['id'], (() => void)[]>()

  constructor(socket: Socket, hear: (asked: Asked) => void) {
    this.#socket = socket
    this.#hear = hear
    socket.on('data', (bytes: Buffer) => this.#read(bytes))
    // `close` follows it.
    socket.on('error', () => undefined)
    socket.once('close', () => {
      for (const id of this.#open.keys()) this.#stop(id)
    })
    socket.setTimeout(idleMs, () => {
      if (this.isIdle) socket.destroy()
    })
  }

  /** It waits for no answer. */
  get isIdle(): boolean {
    return this.#open.size === 0
  }

  close(): void {
    this.#socket.destroySoon()
  }

  #read(bytes: Buffer): void {
    try {
      for (const message of this.#reader.push(bytes)) this.#take(message)
    } catch (error) {
      this.#send({ id: null, status: 'error', error: (error as Error).message })
      this.#socket.pause().destroySoon()
    }
  }

  #take(message: unknown): void {
    const request = requestFrom(message)
    if (typeof request === 'string') return this.#send({ id: idOf(message), status: 'error', error: request })
    const { id, command, args = [] } = request
    const refuse = (error: string) => this.#send({ id, status: 'error', error })
    if (this.#open.has(id)) return refuse(`The request ${JSON.stringify(id)} is under way`)
    if (this.#open.size >= mostRequests) return refuse(`At most ${mostRequests} requests may be under way`)
    this.#open.set(id, [])
    this.#hear({ command, args, reply: this.#replyTo(id) })
  }

  #replyTo(id: Request['id']): Reply {
    const end = (answer: Answer | readonly Buffer[]) => {
      if (!this.#open.has(id)) return
      this.#stop(id)
      this.#send(answer)
    }
    return {
      place: 'on the control socket',
      progress: data => {
        if (this.#open.has(id)) this.#send({ id, status: 'progress', data })
      },
      ok: data => end({ id, status: 'ok', data }),
      okText: data => end(frameAround(`{"id":${JSON.stringify(id)},"status":"ok","data":`, data, '}')),
      error: error => end({ id, status: 'error', error }),
      onEnd: stop => {
        const stops = this.#open.get(id)
        if (stops === undefined) stop()
        else stops.push(stop)
      },
    }
  }

  #stop(id: Request['id']): void {
    const stops = this.#open.get(id) ?? []
    this.#open.delete(id)
    for (const stop of stops) stop()
  }

  #send(answer: Answer | readonly Buffer[]): void {
    const socket = this.#socket
    if (!socket.writable) return
    // One answer may be longer than what a client may leave unread.
    if (socket.writableLength > mostUnread) return void socket.destroy()
    socket.cork()
    for (const part of 'id' in answer ? [encodeFrame(answer)] : answer) socket.write(part)
    socket.uncork()
  }
}

const longestId = 64
const mostArgs = 16

/** The request, or what is wrong with it. */
function requestFrom(message: unknown): Request | string {
  const { protocol, command, args = [] } = Object(message) as Partial<Request>
  if (idOf(message) === null)
    return `A request needs an id, a number or a text of at most ${longestId} characters`
  if (protocol !== protocolVersion)
    return `This server speaks protocol ${protocolVersion}, not ${JSON.stringify(protocol)?.slice(0, 40)}: use the tsicornc of its version`
  if (typeof command !== 'string') return 'A request needs a command, which is a text'
  const isList = Array.isArray(args) && args.length <= mostArgs && args.every(arg => typeof arg === 'string')
  return isList ? (message as Request) : `args has to be a list of at most ${mostArgs} texts`
}

function idOf(message: unknown): Request['id'] | null {
  const { id } = Object(message) as Partial<Request>
  const isText = typeof id === 'string' && id.length <= longestId
  return isText || Number.isSafeInteger(id) ? (id as Request['id']) : null
}
