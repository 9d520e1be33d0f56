/** The file of a unix socket that somebody has removed: nobody can connect to the socket any more. */
import { lstatSync, renameSync } from 'node:fs'
import type { Address } from '../config/bind.ts'
import { bind, type Listener } from './sockets.ts'

export function isLost({ path, given }: Listener): boolean {
  // `bigint` for the reason that `worker/log-file.ts` gives.
  return (
    path !== undefined && !given && lstatSync(path, { bigint: true, throwIfNoEntry: false }) === undefined
  )
}

/**
 * Binds a listener anew, in place: whoever is started from now on has the new socket, and the old one stays with those
 * who have it. Throws `BindError`, and then nothing has changed.
 */
export async function restore(
  listener: Listener,
  address: Extract<Address, { kind: 'unix' }>,
  umask: number,
): Promise<void> {
  const { path } = address
  const fresh = await bind(address, { umask })
  // To close a unix socket removes whatever file has its name.
  const aside = `${path}.${process.pid}`
  renameSync(path, aside)
  listener.close()
  renameSync(aside, path)
  Object.assign(listener, fresh)
}
