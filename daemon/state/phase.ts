/** The phases of the arbiter, what triggers a reaction, and how each phase reacts: the server's life as one table. */
import type { ServerPhase } from '../../hooks/table.ts'

/** The phase that the arbiter is in, with the data that only that phase needs. */
export type Phase =
  | { readonly name: 'booting'; readonly reloadAfter: boolean; readonly patience: Patience }
  | { readonly name: 'waiting' }
  | { readonly name: 'running' }
  | {
      readonly name: 'reloading'
      readonly since: number
      /** How often it started over with newer files. */
      readonly restarts: number
      /** Another reload follows. */
      readonly reloadAfter: boolean
    }
  | {
      readonly name: 'stopping'
      /** `announced`: the workers continue to serve for `drain_delay`. */
      readonly how: 'announced' | 'gracefully' | 'quickly'
      readonly since: number
      readonly code: number
    }
  | { readonly name: 'stopped'; readonly code: number }

/**
 * Which failures while booting do not end the server but wait for a fix: with `reload`, an app that cannot be started,
 * and after that has happened, an unusable configuration as well.
 */
export type Patience = 'none' | 'app' | 'all'

export type PhaseName = Phase['name']

/** What each phase means, for the documentation and for readers of the log. */
export const phaseMeanings: Readonly<Record<ServerPhase, string>> = {
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
 * What the phases react to: a signal, or one of seven events.
 *
 * `prepared` and `prepare failed`: the next generation's settings, sockets and hooks are in place, or cannot be.
 * `stray`: an unhandled error in the arbiter's process, usually from a configuration or a hook. `boot failed`: a worker
 * of the generation under way ended before it was ready. `early exit`: a worker of the generation in force ended before
 * it was ready, or soon after and without having served. `settled`: every wanted worker is ready and of the wanted
 * generation. `empty`: no worker is left.
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

/** How the arbiter reacts; `arbiter.ts` carries it out. */
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

/** The reaction of each phase; a trigger that is not listed is refused or ignored. */
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
    // Not if it repeats the first one: `stops.ts`.
    TERM: 'stop quickly',
    INT: 'stop quickly',
    QUIT: 'stop quickly',
  },
  stopped: {},
}

/**
 * How often a reload starts over with newer files. After that it is finished first: signals that arrive faster than
 * workers boot would otherwise keep the new code away for ever.
 */
export const mostRestarts = 3

/**
 * `reload` means that a developer is at work, and failures wait for a fix; but a daemon's starter and an old arbiter
 * wait to hear whether this server is ready, and have to be told that it failed.
 */
export function firstPhase(
  settings: { readonly reload: boolean; readonly daemon: boolean },
  isNewArbiter: boolean,
): Phase {
  const isPatient = settings.reload && !settings.daemon && !isNewArbiter
  return { name: 'booting', reloadAfter: false, patience: isPatient ? 'app' : 'none' }
}

/** The reaction of this phase, which may depend on its data. */
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

/** Whether a postponed reload follows now; one with the newest files replaces all postponed ones. */
export function reloadsNow(before: Phase, after: Phase): boolean {
  const isOver = after.name === 'running' || after.name === 'waiting'
  return isOver && 'reloadAfter' in before && before.reloadAfter
}

/** The phase after a transition, often the same one; `code` is the exit code on giving up. */
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
