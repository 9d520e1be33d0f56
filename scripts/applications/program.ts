/** A running server: `node app.js`, or tsicorn. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export class Program {
  readonly ended: Promise<Ending>
  /** What it wrote to both outputs. */
  said = ''
  hasEnded = false
  readonly #child: ChildProcess
  #heard: () => void = () => undefined

  constructor(node: string, args: readonly string[], options: { cwd: string; env: NodeJS.ProcessEnv }) {
    // Its own process group: nothing of it is left when this script ends.
    this.#child = spawn(node, args, { ...options, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.said += text
        this.#heard()
      })
    }
    const kill = () => this.kill()
    process.once('exit', kill)
    this.ended = once(this.#child, 'exit').then(([code, signal]) => {
      this.hasEnded = true
      this.#heard()
      kill()
      process.off('exit', kill)
      return { code, signal }
    })
  }

  signal(name: NodeJS.Signals): void {
    if (!this.hasEnded) this.#child.kill(name)
  }

  /** Kills what is left of its group; false if nothing was. */
  kill(): boolean {
    try {
      return process.kill(-this.#child.pid!, 'SIGKILL')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
      throw error
    }
  }

  /** @throws Error if it ends before it prints this, or takes longer than `patienceMs` */
  async says(words: RegExp, patienceMs: number): Promise<void> {
    const due = performance.now() + patienceMs
    while (!words.test(this.said)) {
      const left = due - performance.now()
      if (this.hasEnded) throw new Error(`ended without saying ${words}`)
      if (left <= 0) throw new Error(`did not say ${words} within ${patienceMs / 1_000} s`)
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, left)
        this.#heard = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  /** @throws Error if it does not end within `patienceMs`; then it is killed */
  async end(signal: NodeJS.Signals, patienceMs: number): Promise<Ending> {
    this.signal(signal)
    const timer = setTimeout(() => this.kill(), patienceMs)
    const ending = await this.ended
    clearTimeout(timer)
    return ending
  }
}
