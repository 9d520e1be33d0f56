/** The file of a unix socket that somebody has removed or replaced: nobody can connect to the socket any more. */
import type { Address } from '../../config/resolve/bind.ts'
import { stateOf } from './socket-file.ts'
import { bind, type Listener } from './sockets.ts'

export function isLost({ path, file, given }: Listener): boolean {
  return path !== undefined && !given && stateOf(path, file) !== 'ours'
}

/**
 * Binds a listener again, in place: whoever is started from now on has the new socket, and the old one stays with those
 * who have it. Throws `BindError`, and then nothing has changed.
 */
export async function restore(
  listener: Listener,
  address: Extract<Address, { kind: 'unix' }>,
  umask: number,
): Promise<void> {
  const fresh = await bind(address, { umask })
  listener.close()
  Object.assign(listener, fresh)
}
