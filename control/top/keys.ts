/** The keys of `tsicornc top`. */

interface Key {
  /** What the terminal calls them. */
  readonly names: readonly string[]
  /** How they are written for people. */
  readonly shown: string
  readonly doc: string
}

export const keys = {
  quit: { names: ['q', 'ctrl-c'], shown: 'q', doc: 'Quit; so does Ctrl-C' },
  more: { names: ['+'], shown: '+', doc: 'One more worker' },
  fewer: { names: ['-'], shown: '-', doc: 'One fewer worker, but at least one' },
  reload: { names: ['r'], shown: 'r', doc: 'Reload, and show the outcome' },
  sort: { names: ['s'], shown: 's', doc: 'Sort by the next column' },
  pause: {
    names: ['p', ' '],
    shown: 'p',
    doc: 'Hold the view still, or let it go on; so does the space bar',
  },
  help: { names: ['?', 'h'], shown: '?', doc: 'The keys' },
  suspend: { names: ['ctrl-z'], shown: 'Ctrl-Z', doc: 'Back to the shell; its fg returns' },
} as const satisfies Readonly<Record<string, Key>>

export type KeyAction = keyof typeof keys

/** What Node says of a key that was pressed. */
export interface Pressed {
  readonly name?: string | undefined
  readonly ctrl?: boolean | undefined
}

export function actionOf(text: string | undefined, { name, ctrl }: Pressed): KeyAction | undefined {
  const pressed = ctrl ? `ctrl-${name}` : text
  return (Object.keys(keys) as KeyAction[]).find(action =>
    (keys[action].names as readonly string[]).includes(pressed ?? ''),
  )
}
