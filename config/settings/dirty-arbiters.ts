/** The settings under "Dirty arbiters". */
import type { Group } from '../kinds/declaration.ts'
import { integer, seconds } from '../kinds/kinds.ts'
import { list } from '../kinds/lists.ts'

export const dirtyArbiters = {
  dirty_apps: {
    kind: list('MODULE:EXPORT[:N]'),
    default: [],
    flag: '--dirty-app',
    also: ['--dirty-apps'],
    doc: 'The tasks of the task pool. May be given several times.',
    effect: 'on reload',
    available: false,
  },
  dirty_workers: {
    kind: integer(),
    default: 0,
    flag: '--dirty-workers',
    doc: 'How many processes the task pool has; 0 for none.',
    effect: 'on reload',
    available: false,
  },
  dirty_timeout: {
    kind: seconds,
    default: 300,
    flag: '--dirty-timeout',
    doc: 'Seconds that a task may take; 0 for no limit.',
    effect: 'on reload',
    available: false,
  },
  dirty_threads: {
    kind: integer({ min: 1 }),
    default: 1,
    flag: '--dirty-threads',
    doc: 'Threads in each process of the task pool.',
    effect: 'on reload',
    available: false,
  },
  dirty_graceful_timeout: {
    kind: seconds,
    default: 30,
    flag: '--dirty-graceful-timeout',
    doc: 'Seconds that the task pool may take to finish its tasks on a stop.',
    effect: 'on reload',
    available: false,
  },
} as const satisfies Group

/** The hooks of dirty arbiters, with their arguments; not available yet. */
export const dirtyHooks = {
  on_dirty_starting: ['arbiter'],
  dirty_post_fork: ['arbiter', 'worker'],
  dirty_worker_init: ['worker'],
  dirty_worker_exit: ['arbiter', 'worker'],
} as const
