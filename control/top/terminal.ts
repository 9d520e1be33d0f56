/** The terminal: a screen of its own while the view is shown, keys, and the way back to what was there before. */
import { emitKeypressEvents } from 'node:readline'
import {
  beginSynchronizedOutput,
  cursorHide,
  cursorShow,
  cursorTo,
  endSynchronizedOutput,
  enterAlternativeScreen,
  eraseEndLine,
  eraseScreen,
  exitAlternativeScreen,
} from 'ansi-escapes'
import { Failure } from '../client/exit-codes.ts'
import { actionOf, type KeyAction, type Pressed } from './keys.ts'
import type { Size } from './view.ts'

export interface TerminalListener {
  readonly onKey: (action: KeyAction) => void
  /** The screen is empty, or has another size. */
  readonly onRedraw: () => void
  /** Nobody is there any more. */
  readonly onGone: () => void
}

/** Throws a `Failure` if there is no terminal that can show a view. */
export function checkTerminal(): void {
  const isDumb = process.env.TERM === 'dumb'
  if (process.stdin.isTTY && process.stdout.isTTY && !isDumb) return
  throw new Failure(
    'usage',
    `top needs a terminal${isDumb ? ', and TERM is dumb' : ''}: use tsicornc show all, or tsicornc events`,
  )
}

const { stdin, stdout } = process

/** Each of these ends the process as if nobody had heard it, but with the terminal as it was. */
const endings = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const

export class Terminal {
  readonly #listener: TerminalListener
  /** The lines on the screen; undefined while it is not ours. */
  #shown: readonly string[] | undefined

  constructor(listener: TerminalListener) {
    this.#listener = listener
  }

  get size(): Size {
    // A terminal that was given no size has 0.
    return { width: stdout.columns || 80, height: stdout.rows || 24 }
  }

  open(): void {
    const { onKey, onGone } = this.#listener
    for (const signal of endings)
      process.once(signal, () => {
        this.#leave()
        process.kill(process.pid, signal)
      })
    // Before the error is printed.
    process.once('uncaughtExceptionMonitor', () => this.#leave())
    process.once('exit', () => this.#leave())
    process.on('SIGTSTP', this.#suspend)
    process.on('SIGCONT', this.#resume)
    stdout.on('resize', () => {
      this.#clear()
      this.#listener.onRedraw()
    })
    stdin.on('error', onGone).on('end', onGone)
    emitKeypressEvents(stdin)
    stdin.on('keypress', (text: string | undefined, pressed: Pressed) => {
      const action = actionOf(text, pressed)
      // As the terminal does it: to all of the group, to which npx may belong.
      if (action === 'suspend') process.kill(0, 'SIGTSTP')
      else if (action !== undefined) onKey(action)
    })
    this.#enter()
  }

  close(): void {
    process.removeListener('SIGTSTP', this.#suspend)
    process.removeListener('SIGCONT', this.#resume)
    this.#leave()
    stdin.pause()
  }

  /** Writes what has changed. */
  draw(lines: readonly string[]): void {
    const before = this.#shown
    if (before === undefined) return
    const length = Math.max(lines.length, before.length)
    const changes = Array.from({ length }, (_, y) =>
      lines[y] === before[y] ? '' : cursorTo(0, y) + eraseEndLine + (lines[y] ?? ''),
    ).join('')
    this.#shown = lines
    if (changes !== '') stdout.write(beginSynchronizedOutput + changes + endSynchronizedOutput)
  }

  #enter(): void {
    if (this.#shown !== undefined) return
    stdin.setRawMode(true)
    stdin.resume()
    stdout.write(enterAlternativeScreen + cursorHide)
    this.#clear()
  }

  #clear(): void {
    stdout.write(eraseScreen)
    this.#shown = []
  }

  #leave(): void {
    if (this.#shown === undefined) return
    this.#shown = undefined
    stdout.write(cursorShow + exitAlternativeScreen)
    stdin.setRawMode(false)
  }

  readonly #suspend = (): void => {
    this.#leave()
    process.removeListener('SIGTSTP', this.#suspend)
    // Stands still here, unless no shell is there that could continue it.
    process.kill(process.pid, 'SIGTSTP')
    process.on('SIGTSTP', this.#suspend)
    this.#resume()
  }

  /** Whoever had the terminal meanwhile may have changed its mode. */
  readonly #resume = (): void => {
    this.#leave()
    this.#enter()
    this.#listener.onRedraw()
  }
}
