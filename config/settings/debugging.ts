/** The settings under "Debugging". */
import type { Group } from '../kinds/declaration.ts'
import { boolean, choice } from '../kinds/kinds.ts'
import { list } from '../kinds/lists.ts'

export const debugging = {
  reload: {
    kind: boolean,
    default: false,
    flag: '--reload',
    doc: 'Reload, as on HUP, whenever a file changes; for development. tsicorn watches the source files (JavaScript, TypeScript and JSON; with `worker_class: wsgi`, Python) in `chdir` and `pythonpath` and below, except `node_modules`, `site-packages` and names that begin with a dot, and the configuration with everything it imports. If the app fails at the first start, the server waits for a change, or HUP, instead of exiting. While the newest code does not load, the addresses of the server show the error. Workers with old code are cut off at once, whatever they still serve.',
    effect: 'on reload',
  },
  reload_engine: {
    kind: choice(['auto', 'poll', 'inotify']),
    default: 'auto',
    flag: '--reload-engine',
    doc: 'How `reload` watches files: `poll` checks them every second, which also works on network disks; the others listen to the system.',
    effect: 'on reload',
  },
  reload_extra_files: {
    kind: list('FILE'),
    default: [],
    flag: '--reload-extra-file',
    also: ['--reload-extra-files'],
    doc: 'More files, folders or file patterns (`views/*.html`) for `reload` to watch, relative to `chdir`. May be given several times.',
    effect: 'on reload',
  },
  check_config: {
    kind: boolean,
    default: false,
    flag: '--check-config',
    doc: 'Load configuration and application, report whether both are ok, and exit with 0 or 1.',
    effect: 'on restart',
  },
  print_config: {
    kind: boolean,
    default: false,
    flag: '--print-config',
    doc: 'Print each setting with its value and where it came from, as JSON with `--json`; then check the application, if one is named, and exit as with `check_config`.',
    effect: 'on restart',
  },
} as const satisfies Group
