/** Sends the numbered requests of one kind, and reports the outcome of each. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClientOrder, Failure } from './client-messages.ts'
import { type Answer, Connection, type Question } from './connection.ts'
import type { Kind } from './kinds.ts'
import { bodyOf } from './pattern.ts'
import { Pipeline } from './pipeline.ts'
import type { Random } from './random.ts'
import { Session } from './session.ts'
import { WebSocketConnection } from './web-socket.ts'

export interface RequesterParts {
  readonly order: ClientOrder
  readonly random: Random
  readonly nextId: () => number
  readonly onAnswered: (kind: string) => void
  readonly onFailed: (failure: Omit<Failure, 'heldUp'>) => void
}

/** How often a paused client checks whether it may resume, in milliseconds. */
const heldMs = 20

/** How long a refused client waits before it tries again, in milliseconds. */
const refusedMs = 50

/** How much delay a fixed rate catches up with at most, in milliseconds. */
const mostBehindMs = 500

/**
 * More requests of one kind under way than this mean that the server does not keep up. To add to them would only test
 * how long the queue of the listener is: on a busy machine, it would be longer than the patience of the clients.
 */
const mostUnderWay = 60

type Entered = Connection | Session | Pipeline | WebSocketConnection

const slowestMs = 200
const quickestMs = 20

export class Requester {
  readonly #name: string
  readonly #kind: Kind
  readonly #parts: RequesterParts
  readonly #idle: Connection[] = []
  #shared: Session | Pipeline | undefined
  #isOn = true
  #isHeld = false
  #serverStops = false
  #underWay = 0

  constructor(name: string, kind: Kind, parts: RequesterParts) {
    this.#name = name
    this.#kind = kind
    this.#parts = parts
  }

  /** Resolves when it was stopped, or refused by a stopping server, and no request is under way any more. */
  async run(): Promise<void> {
    const { loop } = this.#kind
    if (loop.kind === 'open') await this.#runOpen(loop.perSecond, loop.connections)
    else await Promise.all(Array.from({ length: loop.clients }, () => this.#runClosed()))
    for (const connection of this.#idle) connection.close()
  }

  stop(): void {
    this.#isOn = false
  }

  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
  }

  /** From now on, a refusal ends the requests. */
  warn(): void {
    this.#serverStops = true
  }

  async #runClosed(): Promise<void> {
    const { pause } = this.#parts.order
    let connection: Entered | undefined
    while (this.#isOn) {
      // A draining worker would wait for it.
      if (this.#isHeld && this.#kind.version === 'WebSocket') connection?.close()
      await this.#mayAsk()
      if (connection?.isOpen !== true) connection = this.#enter()
      const { result } = await this.#ask(connection)
      if (result === 'refused' || result === 'not begun') await sleep(refusedMs)
      if (pause > 0) await sleep(pause)
    }
    connection?.close()
  }

  async #runOpen(perSecond: number, connections: number): Promise<void> {
    let due = performance.now()
    while (this.#isOn) {
      due = Math.max(due + 1_000 / perSecond, performance.now() - mostBehindMs)
      const wait = due - performance.now()
      if (wait > 0) await sleep(wait)
      await this.#mayAsk()
      if (this.#isOn && this.#underWay < mostUnderWay) void this.#askOnIdle(connections)
    }
    while (this.#underWay > 0) await sleep(refusedMs)
  }

  async #mayAsk(): Promise<void> {
    while (this.#isHeld && this.#isOn) await sleep(heldMs)
  }

  async #askOnIdle(connections: number): Promise<void> {
    const connection = this.#takeIdle(connections) ?? this.#connect()
    await this.#ask(connection)
    if (connection.isOpen) this.#idle.push(connection)
  }

  /** The connection that has been idle longest, if there are as many as wanted. */
  #takeIdle(wanted: number): Connection | undefined {
    while (this.#idle.length > 0) {
      if (this.#idle[0]?.isOpen === true && this.#idle.length < wanted) return undefined
      const connection = this.#idle.shift()
      if (connection?.isOpen === true) return connection
    }
    return undefined
  }

  #connect(): Connection {
    const { tcp, unix, ca } = this.#parts.order
    return new Connection(this.#kind.over === 'unix' ? unix : tcp, ca)
  }

  /** A connection of its own, or the shared one. */
  #enter(): Entered {
    const { tcp, unix, ca } = this.#parts.order
    const { version, over } = this.#kind
    if (version === 'WebSocket') return new WebSocketConnection(tcp, ca)
    if (version !== '2' && version !== 'pipelined') return this.#connect()
    if (this.#shared?.isOpen !== true) {
      const target = over === 'unix' ? unix : tcp
      this.#shared = version === '2' ? new Session(target, ca as string) : new Pipeline(target, ca)
    }
    return this.#shared
  }

  async #ask(connection: Entered): Promise<Answer> {
    const { onAnswered, onFailed, nextId } = this.#parts
    const kind = this.#name
    const id = nextId()
    const began = Date.now()
    this.#underWay += 1
    const answer = await new Promise<Answer>(resolve => connection.ask(this.#question(id), resolve))
    this.#underWay -= 1
    const { result } = answer
    if (result === 'refused' && this.#serverStops) this.#isOn = false
    if (result === 'ok') onAnswered(kind)
    else onFailed({ ...answer, result, kind, id, began, ended: Date.now() })
    return answer
  }

  #question(id: number): Question {
    const { path, version, fresh, upload } = this.#kind
    const expected = bodyOf(id)
    const ms =
      path === '/slow'
        ? `&ms=${Math.round(quickestMs + this.#parts.random() * (slowestMs - quickestMs))}`
        : ''
    const method = upload > 0 ? 'POST' : 'GET'
    const length = upload > 0 ? `Content-Length: ${upload}\r\n` : ''
    const connection = fresh ? 'close' : 'keep-alive'
    const http = version === '1.0' ? '1.0' : '1.1'
    const head = `${method} ${path}?id=${id}${ms} HTTP/${http}\r\nHost: loss\r\n${length}Connection: ${connection}\r\n\r\n`
    const asked = { method, path: `${path}?id=${id}${ms}`, expected } as const
    if (upload === 0) return { ...asked, body: undefined, bytes: head }
    const body = upload === expected.length ? expected : Buffer.alloc(upload, expected)
    return { ...asked, body, bytes: Buffer.concat([Buffer.from(head), body]) }
  }
}
