/** Clients that keep a server busy and count what fails; they honour `Connection: close`, as every client should. */
import http from 'node:http'
import https from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'

/** Between the requests of a client, in milliseconds: what is tested needs some of the processor, too. */
const pauseMs = 20

export interface LoadOptions {
  readonly url: string
  readonly clients: number
  readonly keepAlive: boolean
  /** The authority of a server with TLS. */
  readonly ca?: string
}

export interface Tally {
  ok: number
  readonly failures: string[]
}

export class Load {
  readonly tally: Tally = { ok: 0, failures: [] }
  readonly #clients: Promise<void>[]
  #on = true
  #counted: () => void = () => undefined

  constructor(options: LoadOptions) {
    this.#clients = Array.from({ length: options.clients }, () => this.#keepAsking(options))
  }

  async #keepAsking({ url, keepAlive, ca }: LoadOptions): Promise<void> {
    const agent =
      ca === undefined
        ? new http.Agent({ keepAlive, maxSockets: 1 })
        : new https.Agent({ keepAlive, maxSockets: 1, ca })
    while (this.#on) {
      const failure = await ask(url, agent)
      if (failure === undefined) this.tally.ok += 1
      else this.tally.failures.push(failure)
      this.#counted()
      await sleep(pauseMs)
    }
    agent.destroy()
  }

  /** Waits until so many more requests are answered. */
  async answered(number: number): Promise<void> {
    const goal = this.tally.ok + number
    while (this.tally.ok < goal && this.tally.failures.length === 0) {
      await new Promise<void>(resolve => {
        this.#counted = resolve
      })
    }
  }

  async stop(): Promise<Tally> {
    this.#on = false
    await Promise.all(this.#clients)
    return this.tally
  }
}

function ask(url: string, agent: http.Agent | https.Agent): Promise<string | undefined> {
  const { get } = url.startsWith('https:') ? https : http
  return new Promise(resolve => {
    const request = get(url, { agent }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', chunk => {
        text += chunk
      })
      response.on('end', () =>
        resolve(response.statusCode === 200 && text !== '' ? undefined : `status ${response.statusCode}`),
      )
      response.on('error', error => resolve(error.message))
    })
    request.on('error', error =>
      resolve(`${error.message}${request.reusedSocket ? ' on a reused connection' : ''}`),
    )
  })
}
