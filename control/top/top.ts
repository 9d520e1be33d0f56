/** The command `tsicornc top`: what the server says and what is typed become a view, until one of them ends it. */
import { Failure } from '../client/exit-codes.ts'
import { findOne, type Wanted } from '../client/instances.ts'
import { clean } from '../print/clean.ts'
import { reloadedText, type Scaled, scaledText } from '../print/show.ts'
import type { Everything, ReloadOutcome } from '../protocol/messages.ts'
import type { KeyAction } from './keys.ts'
import { nextSorting, totalsOf, withAnswer } from './model.ts'
import { Source } from './source.ts'
import { checkTerminal, Terminal } from './terminal.ts'
import { linesOf, type View } from './view.ts'

/** How much is kept to be shown. */
const mostHistory = 60
const mostEvents = 200

/** How long it is said what a key has done, in milliseconds. */
const noticeMs = 8_000

/**
 * Resolves when it is quit; rejects with a `Failure` without a terminal, when the server is gone for good, or has not
 * answered for `timeout` seconds.
 */
export async function top(
  { json, ...wanted }: Wanted & { readonly json?: true },
  timeout: number | undefined,
): Promise<void> {
  if (json) throw new Failure('usage', 'top prints no JSON: use tsicornc --json show all, or events')
  checkTerminal()
  await new Top().run({ ...wanted, patience: timeout })
}

type Latest = Pick<View, 'answers' | 'history' | 'events'>

const nothing: Latest = { answers: [], history: [], events: [] }

class Top {
  #view: View = {
    ...nothing,
    sorting: 'age',
    isPaused: false,
    isHelp: false,
    trouble: undefined,
    notice: undefined,
  }
  /** What the server said last; not shown while the view is paused. */
  #latest: Latest = nothing
  #noticeTimer: NodeJS.Timeout | undefined
  #isReloading = false
  #source: Source | undefined
  readonly #terminal: Terminal
  readonly #quit: Promise<void>

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#quit = promise
    this.#terminal = new Terminal({
      onKey: action => (action === 'quit' ? resolve() : this.#press(action)),
      onRedraw: () => this.#show({}),
      onGone: resolve,
    })
  }

  async run(wanted: Wanted): Promise<void> {
    const source = new Source(await findOne(wanted), wanted, {
      onAnswer: answer => this.#take(answer),
      onEvent: event => this.#hear({ events: [...this.#latest.events, event].slice(-mostEvents) }),
      onTrouble: trouble => this.#show({ trouble }),
    })
    this.#source = source
    this.#terminal.open()
    try {
      await Promise.race([this.#quit, source.follow()])
    } finally {
      source.close()
      this.#terminal.close()
    }
  }

  #take(answer: Everything): void {
    const answers = withAnswer(this.#latest.answers, answer)
    // The first answer has nothing to be compared with.
    const totals = answers.length > 1 ? [totalsOf(answers)] : []
    this.#hear({ answers, history: [...this.#latest.history, ...totals].slice(-mostHistory) })
  }

  #hear(news: Partial<Latest>): void {
    this.#latest = { ...this.#latest, ...news }
    if (!this.#view.isPaused) this.#show(this.#latest)
  }

  #press(action: KeyAction): void {
    const { sorting, isPaused, isHelp } = this.#view
    switch (action) {
      case 'more':
        return void this.#scale('worker add')
      case 'fewer':
        return void this.#scale('worker remove')
      case 'reload':
        return void this.#reload()
      case 'sort':
        return this.#show({ sorting: nextSorting(sorting) })
      case 'pause':
        return this.#show({ ...this.#latest, isPaused: !isPaused })
      case 'help':
        return this.#show({ isHelp: !isHelp })
    }
  }

  async #scale(command: 'worker add' | 'worker remove'): Promise<void> {
    this.#notify(await this.#asked<Scaled>(command, scaledText))
  }

  async #reload(): Promise<void> {
    if (this.#isReloading) return
    this.#isReloading = true
    this.#show({ notice: 'Reloading' })
    clearTimeout(this.#noticeTimer)
    this.#notify(await this.#asked<ReloadOutcome>('reload', reloadedText))
    this.#isReloading = false
  }

  /** The outcome in words; never rejects. */
  async #asked<Data>(command: string, textOf: (data: Data) => string): Promise<string> {
    try {
      return textOf((await this.#source?.ask(command)) as Data)
    } catch (error) {
      return (error as Error).message
    }
  }

  #notify(notice: string): void {
    this.#show({ notice: clean(notice) })
    clearTimeout(this.#noticeTimer)
    this.#noticeTimer = setTimeout(() => this.#show({ notice: undefined }), noticeMs).unref()
  }

  #show(change: Partial<View>): void {
    this.#view = { ...this.#view, ...change }
    this.#terminal.draw(linesOf(this.#view, this.#terminal.size))
  }
}
