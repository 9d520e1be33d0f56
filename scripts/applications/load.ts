/** Clients that keep their connections, and send one request after another. */
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Question {
  readonly port: number
  readonly path: string
  /** What the answer contains. */
  readonly says: string
}

/** The outcome of a request; when `gone` or `reset` happened decides whether it is a failure. */
type Answer = 'right' | 'gone' | 'reset' | { readonly wrong: string }

const clients = 6
const pauseMs = 10
const patienceMs = 30_000

/** How long a draining worker waits before it closes an idle connection, in milliseconds: see docs/zero-loss.md. */
const drainIdleMs = 900

export class Load {
  answered = 0
  /** What went wrong, each in the words of the error. */
  readonly failures: string[] = []
  readonly #question: Question
  readonly #clients: Promise<unknown>
  #stopping = false
  #over = false

  constructor(question: Question) {
    this.#question = question
    this.#clients = Promise.all(Array.from({ length: clients }, () => this.#client()))
  }

  /** The server was told to stop: from now on it may refuse new connections. */
  serverStops(): void {
    this.#stopping = true
  }

  /** Resolves when this many more requests are answered, or after `patienceMs`. */
  async more(count: number): Promise<void> {
    const goal = this.answered + count
    const due = performance.now() + patienceMs
    while (this.answered < goal && performance.now() < due && this.failures.length < 100) await sleep(20)
  }

  async end(): Promise<void> {
    this.#over = true
    await this.#clients
  }

  async #client(): Promise<void> {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    let last = performance.now()
    while (!this.#over && this.failures.length < 100) {
      const idleMs = performance.now() - last
      const answer = await ask(this.#question, agent)
      last = performance.now()
      if (answer === 'right') this.answered += 1
      else if (this.#stopping && answer !== 'reset' && typeof answer === 'string') break
      // This client was held up until its idle connection was closed; every browser retries.
      else if (answer === 'reset' && idleMs >= drainIdleMs) continue
      else this.failures.push(typeof answer === 'string' ? answer : answer.wrong)
      await sleep(pauseMs)
    }
    agent.destroy()
  }
}

/** Sends one request on its own connection. */
export async function isAnswered(question: Question): Promise<boolean> {
  return (await ask(question, undefined)) === 'right'
}

/** What the answer is, for a report. */
export async function answerTo(question: Question): Promise<string> {
  const answer = await ask(question, undefined)
  return typeof answer === 'string' ? answer : answer.wrong
}

function ask({ port, path, says }: Question, agent: http.Agent | undefined): Promise<Answer> {
  return new Promise(resolve => {
    const headers = { accept: '*/*' }
    const options = { host: '127.0.0.1', port, path, headers, agent: agent ?? false, timeout: patienceMs }
    const request = http.get(options, response => {
      let text = ''
      response
        .setEncoding('utf8')
        .on('data', part => (text += part))
        .once('error', (error: Error) => resolve({ wrong: `broken off: ${error.message}` }))
        .once('end', () => {
          const isRight = response.statusCode === 200 && text.includes(says)
          resolve(
            isRight ? 'right' : { wrong: `${response.statusCode} ${JSON.stringify(text.slice(0, 200))}` },
          )
        })
    })
    request.once('timeout', () => request.destroy(new Error(`no answer in ${patienceMs / 1_000} s`)))
    request.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') resolve('gone')
      else if (error.code === 'ECONNRESET') resolve(request.reusedSocket ? 'reset' : 'gone')
      else resolve({ wrong: error.message })
    })
  })
}
