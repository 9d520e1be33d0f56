/** The settings under "Process naming". */
import type { DefaultContext, Group } from '../kinds/declaration.ts'
import { text } from '../kinds/kinds.ts'

export const processNaming = {
  proc_name: {
    kind: text('NAME'),
    default: ({ app }: DefaultContext) => app,
    default_words: 'the application, as given',
    flag: '--name',
    short: '-n',
    also: ['--proc-name'],
    doc: 'The name in the process titles that `ps` shows.',
    effect: 'on restart',
  },
} as const satisfies Group
