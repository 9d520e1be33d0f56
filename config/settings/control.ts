/** The settings under "Control". */
import type { Group } from '../kinds/declaration.ts'
import { boolean, mode, optionalText } from '../kinds/kinds.ts'

export const control = {
  control_socket: {
    kind: optionalText('FILE'),
    default: null,
    default_words: 'a path for this server, in $XDG_RUNTIME_DIR, else in ~/.tsicorn',
    flag: '--control-socket',
    doc: 'The unix socket for querying and controlling this server.',
    effect: 'on restart',
    available: false,
  },
  control_socket_mode: {
    kind: mode,
    default: 0o600,
    flag: '--control-socket-mode',
    doc: 'The permission bits of the control socket.',
    effect: 'on restart',
    available: false,
  },
  control_socket_disable: {
    kind: boolean,
    default: false,
    flag: '--control-socket-disable',
    also: ['--no-control-socket'],
    doc: 'Do not open the control socket.',
    effect: 'on restart',
    available: false,
  },
} as const satisfies Group
