/** The process of a Python host: what it is told besides requests, and how it ends. */
import { bootAnswer } from './boot-answer.ts'
import type { HostLink } from './host-link.ts'

/** How long the stacks of threads may take, and how long nothing may follow for them to be complete, in milliseconds. */
const stacksMs = 1_000
const quietMs = 150

export class HostProcess {
  readonly #link: HostLink
  readonly queue: HostLink['queue']
  readonly channels: HostLink['channels']
  readonly store: HostLink['store']
  /** Rejects with the error that prevents the app from being loaded. */
  readonly ready: Promise<void>
  /** How it ended, in words, once everything that it said has been read; never rejects. */
  readonly ended: Promise<string>
  #stacks = ''
  #hasEnded = false

  constructor(link: HostLink, app: string) {
    const { control, queue, channels, store, stacks } = link
    this.#link = link
    this.queue = queue
    this.channels = channels
    this.store = store
    for (const stream of [control, queue, stacks]) stream?.on('error', () => undefined)
    stacks?.setEncoding('latin1').on('data', (text: string) => {
      this.#stacks += text
    })
    const kill = () => this.kill()
    process.once('exit', kill)
    this.ended = link.ended.then(how => {
      this.#hasEnded = true
      process.off('exit', kill)
      return this.#stacks === '' ? how : `${how}:\n${this.#stacks.trimEnd()}`
    })
    const hasRun = this.pid !== undefined
    this.ready = bootAnswer(
      control,
      app,
      this.ended.then(how => ({ how, hasRun })),
    )
    this.ready.catch(() => this.kill())
  }

  get pid(): number | undefined {
    return this.#link.pid
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Where its threads are, in the words of Python's `faulthandler`, which needs no thread that can run. */
  async stacks(): Promise<string> {
    this.#stacks = ''
    if (!this.#link.signal('SIGUSR1')) return ''
    const until = performance.now() + stacksMs
    for (let before = ''; performance.now() < until; ) {
      await new Promise(resolve => setTimeout(resolve, quietMs))
      if (this.#stacks !== '' && this.#stacks === before) break
      before = this.#stacks
    }
    const found = this.#stacks.trimEnd()
    this.#stacks = ''
    return found
  }

  /** It ends after the requests that its threads have. */
  end(): void {
    for (const socket of [this.queue, this.#link.control, ...this.channels]) socket?.end()
  }

  kill(): void {
    if (!this.#hasEnded) this.#link.signal('SIGKILL')
  }
}
