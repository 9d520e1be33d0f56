/** Tells the arbiter which addresses of the app are not bound yet. */
import { AppError, Elsewhere } from '../protocol/boot-error.ts'
import type { Claims, InterceptedServer, ListenOptions } from './claims.ts'
import { bindOf, describeListen, isOpen } from './listen-address.ts'
import type { ListenRequest } from './listen-request.ts'
import type { UnmatchedListens } from './unmatched-listens.ts'

/** The app also listens there. */
export function listensElsewhere(request: ListenRequest): Elsewhere {
  return new Elsewhere(describeListen(request), [bindOf(request)])
}

/** All addresses of the app, if they differ from those bound for it; late ones, after loading, are left out. */
export function missingBinds(claims: Claims, unmatched: UnmatchedListens): Elsewhere | undefined {
  const more = unmatched.bindable
  const unused = claims.awaited.filter(({ late }) => !late)
  if (more.length === 0 && unused.length === 0) return undefined
  const names = more.length > 0 ? more.map(describeListen) : ['fewer addresses']
  const used = claims.intercepted.filter(({ listener, request }) => listener.of_app || isOpen(request))
  return new Elsewhere(names.join(' and '), [
    // The port may be our default, and the host that of the app.
    ...used.map(({ listener, request }) => bindOf(isOpen(request) ? { ...listener, ...request } : request)),
    ...more.map(bindOf),
  ])
}

/** The error for a contradicting host; if no address is configured, the app decides. */
export function contradiction(
  { request, listener }: InterceptedServer,
  { mayBind, bindFrom }: Pick<ListenOptions, 'mayBind' | 'bindFrom'>,
): Error {
  if (mayBind && bindFrom !== 'operator') return listensElsewhere({ port: listener.port, ...request })
  return new AppError(
    `The app listens on ${describeListen(request)} only, and tsicorn is bound to ${listener.name}: start tsicorn with -b ${bindOf(request)}, or let the app listen without a host`,
  )
}
