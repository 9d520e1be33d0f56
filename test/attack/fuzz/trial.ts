/** One victim under attack: its server, the conversations that are held with it, and what has become of it. */
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs'
import { readRecords, type ScoreRecord } from '../../../worker/protocol/scoreboard.ts'
import type { Pair } from '../../support/certificates.ts'
import { eventually, launch, type Tsicorn } from '../../support/tsicorn.ts'
import type { Conversation } from '../conversation.ts'
import { createRandom } from '../random.ts'
import { targetOf, type Victim } from './victims.ts'
import { open } from './wire.ts'

/** A conversation, and the seed that it is held with. */
export interface Appointment {
  readonly conversation: Conversation
  readonly seed: number
}

export class Trial {
  readonly server: Tsicorn
  /** The last conversations with which the worker was as before, and those after which it was not. */
  readonly survived: string[] = []
  readonly fatal: string[] = []
  readonly #victim: Victim
  #url = ''
  #worker: number | undefined

  constructor(victim: Victim, { cert, key }: Pair) {
    this.#victim = victim
    const settings = { ...victim.settings, graceful_timeout: 20 }
    this.server = launch({
      args: ['-b', '127.0.0.1:0', '-w', '1', '-c', 'tsicorn.config.json', victim.app],
      files: { 'tsicorn.config.json': JSON.stringify(settings), 'cert.pem': cert, 'key.pem': key },
      env: { NODE_ENV: 'test' },
      errors: true,
    })
  }

  async begin(): Promise<void> {
    this.#url = await this.server.running()
    this.#worker = this.server.workers[0]
  }

  /** Holds them, a few at the same time, until the worker is another one. */
  async hold(appointments: readonly Appointment[], atOnce: number): Promise<void> {
    const target = targetOf(this.#victim, this.#url)
    const queue = [...appointments]
    const one = async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const { conversation, seed } = next
        const story = `${conversation.name} (seed ${seed}): ${await conversation.run(createRandom(seed), target)}`
        if (this.isAlive) this.survived.push(story)
        else this.fatal.push(story)
        if (!this.isAlive) return
      }
    }
    await Promise.all(Array.from({ length: atOnce }, one))
  }

  get isAlive(): boolean {
    return this.server.workers[0] === this.#worker
  }

  /** What an honest client is answered. */
  async answer(): Promise<string> {
    const target = targetOf(this.#victim, this.#url)
    const line = Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n')
    const { stream } = await open(target, {
      alpn: ['http/1.1'],
      ...(target.proxyProtocol ? { preamble: line } : {}),
      steps: [],
    })
    stream.write('GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n')
    const chunks: Buffer[] = []
    for await (const chunk of stream) chunks.push(chunk)
    return Buffer.concat(chunks).toString('latin1')
  }

  /** Until nothing is left of what the clients began, as the worker itself counts it. */
  async isQuiet(): Promise<void> {
    await eventually('the worker has no connection and no request left', () => {
      const { connections, requests_in_flight: requests } = this.record
      return connections === 0 && requests === 0
    })
  }

  /** What the worker last said of itself, read as the arbiter reads it. */
  get record(): ScoreRecord {
    const folder = `/proc/${this.server.pid}/fd`
    const name = readdirSync(folder).find(fd => linkOf(`${folder}/${fd}`).includes('scoreboard'))
    const fd = openSync(`${folder}/${name}`, 'r')
    try {
      return readRecords(fd, 1)[0] as ScoreRecord
    } finally {
      closeSync(fd)
    }
  }

  /** Lines that no client may cause; what the app throws on purpose is an error of its own. */
  get badLines(): string[] {
    return this.server.log
      .split('\n')
      .filter(line =>
        /uncaught|\[CRITICAL\]|\[ERROR\]|exited with (?!code 0)|graceful_timeout|timed out/i.test(line),
      )
      .filter(line => !line.includes('Thrown on purpose'))
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch (error) {
    // Closed since the folder was read.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
