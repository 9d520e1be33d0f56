/** What the arbiter is told of where the app listens. */
import { Elsewhere } from '../protocol/boot-error.ts'
import type { Claims } from './claims.ts'
import { bindOf, describeListen, isOpen } from './listen-address.ts'
import type { ListenRequest } from './listen-request.ts'
import type { UnmatchedListens } from './unmatched-listens.ts'

/** There, too. */
export function elsewhere(request: ListenRequest): Elsewhere {
  return new Elsewhere(describeListen(request), [bindOf(request)])
}

/** All its addresses, where they are others than those that are bound for it; but for those that come when it is loaded. */
export function missingBinds(claims: Claims, unmatched: UnmatchedListens): Elsewhere | undefined {
  const more = unmatched.bindable
  const unused = claims.awaited.filter(({ late }) => !late)
  if (more.length === 0 && unused.length === 0) return undefined
  const names = more.length > 0 ? more.map(describeListen) : ['fewer addresses']
  const used = claims.intercepted.filter(({ listener, request }) => listener.of_app || isOpen(request))
  return new Elsewhere(names.join(' and '), [
    // The port may be our default, and the host the app's.
    ...used.map(({ listener, request }) => bindOf(isOpen(request) ? { ...listener, ...request } : request)),
    ...more.map(bindOf),
  ])
}
