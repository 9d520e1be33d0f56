/**
 * The phases of the arbiter, what can happen to it, and how each phase reacts: the life of the server as one table.
 */

/** The phase that the arbiter is in, with what only that phase needs to know. */
export type Phase =
  | { readonly name: 'booting'; readonly reloadAfter: boolean; readonly patience: Patience }
  | { readonly name: 'waiting' }
  | { readonly name: 'running' }
  | {
      readonly name: 'reloading'
      readonly since: number
      /** How often it was begun again, with newer files, before it was over. */
      readonly restarts: number
      /** Another one follows. */
      readonly reloadAfter: boolean
    }
  | {
      readonly name: 'stopping'
      /** `announced`: the workers serve on for `drain_delay`. */
      readonly how: 'announced' | 'gracefully' | 'quickly'
      readonly since: number
      readonly code: number
    }
  | { readonly name: 'stopped'; readonly code: number }

/**
 * What does not end the server while it boots, but is waited for until somebody mends it: with `reload` an app that cannot be
 * started, and once that was so, a configuration that cannot be used as well.
 */
export type Patience = 'none' | 'app' | 'all'

export type PhaseName = Phase['name']

/** What each phase means, for the documentation and for whoever reads a log. */
export const phaseMeanings: Readonly<Record<PhaseName, string>> = {
  booting: 'The sockets are being bound and the first workers started; the first failure ends the server',
  waiting: 'The first workers could not start; a file that changes, or HUP, starts again',
  running: 'Every wanted worker was ready once; what dies is replaced',
  reloading: 'A new generation is on its way while the old one serves',
  stopping: 'The workers are asked to finish; nothing is started any more',
  stopped: 'Nothing is left to do',
}

/** The signals that operate the arbiter. */
export const signalNames = ['HUP', 'TTIN', 'TTOU', 'WINCH', 'USR1', 'USR2', 'TERM', 'INT', 'QUIT'] as const

export type SignalName = (typeof signalNames)[number]

/**
 * What the phases react to: a signal, or one of seven turns of events.
 *
 * `prepared` and `prepare failed`: the next generation's settings, sockets and hooks are in place, or cannot be.
 * `stray`: an error in the arbiter's process that nothing handled, of a configuration or a hook as a rule.
 * `boot failed`: a worker of the generation on its way ended before it was ready. `early exit`: a worker of the
 * generation in force ended before it was ready, or soon after and without having served. `settled`: every wanted worker is
 * ready and of the wanted generation. `empty`: no worker is left.
 */
export type Trigger =
  | SignalName
  | 'prepared'
  | 'prepare failed'
  | 'stray'
  | 'boot failed'
  | 'early exit'
  | 'settled'
  | 'empty'

/** What the arbiter does about it; the deeds themselves are in `arbiter.ts`. */
export type Transition =
  | 'start workers'
  | 'give up'
  | 'wait'
  | 'start again'
  | 'open'
  | 'postpone reload'
  | 'reload'
  | 'roll out'
  | 'abort reload'
  | 'finish reload'
  | 'back off'
  | 'grow'
  | 'shrink'
  | 'pause'
  | 'reopen logs'
  | 'upgrade'
  | 'stop'
  | 'stop quickly'
  | 'leave'

/** The reaction of each phase; what is not here is refused, or of no concern in that phase. */
export const reactions: Readonly<Record<PhaseName, Readonly<Partial<Record<Trigger, Transition>>>>> = {
  booting: {
    prepared: 'start workers',
    'prepare failed': 'give up',
    stray: 'give up',
    'boot failed': 'give up',
    'early exit': 'back off',
    settled: 'open',
    HUP: 'postpone reload',
    TTIN: 'grow',
    TTOU: 'shrink',
    USR1: 'reopen logs',
    TERM: 'stop',
    INT: 'stop quickly',
    QUIT: 'stop quickly',
  },
  waiting: {
    HUP: 'start again',
    TTIN: 'grow',
    TTOU: 'shrink',
    USR1: 'reopen logs',
    TERM: 'stop',
    INT: 'stop quickly',
    QUIT: 'stop quickly',
  },
  running: {
    'early exit': 'back off',
    HUP: 'reload',
    TTIN: 'grow',
    TTOU: 'shrink',
    WINCH: 'pause',
    USR1: 'reopen logs',
    USR2: 'upgrade',
    TERM: 'stop',
    INT: 'stop quickly',
    QUIT: 'stop quickly',
  },
  reloading: {
    prepared: 'roll out',
    'prepare failed': 'abort reload',
    stray: 'abort reload',
    'boot failed': 'abort reload',
    'early exit': 'back off',
    settled: 'finish reload',
    HUP: 'reload',
    TTIN: 'grow',
    TTOU: 'shrink',
    WINCH: 'pause',
    USR1: 'reopen logs',
    TERM: 'stop',
    INT: 'stop quickly',
    QUIT: 'stop quickly',
  },
  stopping: {
    empty: 'leave',
    USR1: 'reopen logs',
    // Not one that is the first once more: `stops.ts`.
    TERM: 'stop quickly',
    INT: 'stop quickly',
    QUIT: 'stop quickly',
  },
  stopped: {},
}

/**
 * How often a reload starts over with newer files; then it is finished first, or signals that come faster than workers boot
 * would keep the new code away for ever.
 */
export const mostRestarts = 3

/** With `reload` somebody writes the app; but whoever waits for this server to be ready wants to hear that it cannot be. */
export function firstPhase(
  settings: { readonly reload: boolean; readonly daemon: boolean },
  isNewArbiter: boolean,
): Phase {
  const isPatient = settings.reload && !settings.daemon && !isNewArbiter
  return { name: 'booting', reloadAfter: false, patience: isPatient ? 'app' : 'none' }
}

/** The reaction of this phase, which of some depends on what it has been through. */
export function reactionOf(phase: Phase, trigger: Trigger): Transition | undefined {
  const transition = reactions[phase.name][trigger]
  if (transition === 'give up' && phase.name === 'booting')
    return waits(phase.patience, trigger) ? 'wait' : transition
  const isTired = phase.name === 'reloading' && phase.restarts >= mostRestarts
  return transition === 'reload' && isTired ? 'postpone reload' : transition
}

function waits(patience: Patience, trigger: Trigger): boolean {
  return patience === 'all' || (patience === 'app' && trigger === 'boot failed')
}

/** Whether a reload that was postponed follows now: however many were, one with the newest files is enough. */
export function reloadsNow(before: Phase, after: Phase): boolean {
  const isOver = after.name === 'running' || after.name === 'waiting'
  return isOver && 'reloadAfter' in before && before.reloadAfter
}

/** The phase that a deed leads to, which is the same phase for most; `code` is what giving up exits with. */
export function next(phase: Phase, transition: Transition, now: number, code: number): Phase {
  switch (transition) {
    case 'open':
    case 'finish reload':
    case 'abort reload':
      return { name: 'running' }
    case 'postpone reload':
      return 'reloadAfter' in phase ? { ...phase, reloadAfter: true } : phase
    case 'reload': {
      const restarts = phase.name === 'reloading' ? phase.restarts + 1 : 0
      return { name: 'reloading', since: now, restarts, reloadAfter: false }
    }
    case 'wait':
      return { name: 'waiting' }
    case 'start again':
      return { name: 'booting', reloadAfter: false, patience: 'all' }
    case 'give up':
      return { name: 'stopping', how: 'gracefully', since: now, code }
    case 'stop':
      return { name: 'stopping', how: 'announced', since: now, code: 0 }
    case 'stop quickly':
      return {
        name: 'stopping',
        how: 'quickly',
        since: now,
        code: phase.name === 'stopping' ? phase.code : 0,
      }
    case 'leave':
      return { name: 'stopped', code: phase.name === 'stopping' ? phase.code : 0 }
    default:
      return phase
  }
}
