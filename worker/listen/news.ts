/** What the arbiter is told of where the app listens. */
import { Elsewhere } from '../protocol/boot-error.ts'
import type { Claims } from './claims.ts'
import { bindOf, isOpen, nameOf } from './listen-address.ts'
import type { ListenRequest } from './listen-request.ts'
import type { Strays } from './strays.ts'

/** There, too. */
export function elsewhere(request: ListenRequest): Elsewhere {
  return new Elsewhere(nameOf(request), [bindOf(request)])
}

/** All its addresses, where they are others than those that are bound for it; but for those that come when it is loaded. */
export function newsOf(claims: Claims, strays: Strays): Elsewhere | undefined {
  const more = strays.bindable
  const unused = claims.awaited.filter(({ late }) => !late)
  if (more.length === 0 && unused.length === 0) return undefined
  const names = more.length > 0 ? more.map(nameOf) : ['fewer addresses']
  const used = claims.caught.filter(({ listener, request }) => listener.of_app || isOpen(request))
  return new Elsewhere(names.join(' and '), [
    // The port may be our default, and the host the app's.
    ...used.map(({ listener, request }) => bindOf(isOpen(request) ? { ...listener, ...request } : request)),
    ...more.map(bindOf),
  ])
}
