/** The settings under "Debugging". */
import type { Group } from '../kinds/declaration.ts'
import { boolean, choice } from '../kinds/kinds.ts'
import { list } from '../kinds/lists.ts'

export const debugging = {
  reload: {
    kind: boolean,
    default: false,
    flag: '--reload',
    doc: 'Do what HUP does when a file changes; for development. Watched are the source files (JavaScript, TypeScript and JSON) in `chdir` and below, without `node_modules` and what has a name that begins with a dot, and the configuration with what it imports. A first start whose app cannot be started waits for a change, or HUP, instead of ending. Workers of older code are cut at once, whatever they still serve.',
    effect: 'on reload',
  },
  reload_engine: {
    kind: choice(['auto', 'poll', 'inotify']),
    default: 'auto',
    flag: '--reload-engine',
    doc: 'How files are watched with `reload`: `poll` looks at them every second, which also works on network disks; the others listen to the system.',
    effect: 'on reload',
  },
  reload_extra_files: {
    kind: list('FILE'),
    default: [],
    flag: '--reload-extra-file',
    also: ['--reload-extra-files'],
    doc: 'More files, folders, or patterns of files (`views/*.html`), to watch with `reload`; relative to `chdir`. May be given several times.',
    effect: 'on reload',
  },
  check_config: {
    kind: boolean,
    default: false,
    flag: '--check-config',
    doc: 'Load configuration and application, say whether both are well, and end with 0 or 1.',
    effect: 'on restart',
  },
  print_config: {
    kind: boolean,
    default: false,
    flag: '--print-config',
    doc: 'Print each setting with its value and where that came from, and end; as JSON with `--json`.',
    effect: 'on restart',
  },
} as const satisfies Group
