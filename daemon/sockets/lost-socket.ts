/** Binds a unix socket again whose file was removed or replaced: no client can connect to it any more. */
import type { Address } from '../../config/kinds/bind-address.ts'
import { stateOf } from './socket-file.ts'
import { bind, type Listener } from './sockets.ts'

export function isLost({ path, file, given }: Listener): boolean {
  return path !== undefined && !given && stateOf(path, file) !== 'ours'
}

/**
 * Replaces the listener in place: workers started from now on get the new socket, and older ones keep the old one.
 * Throws `BindError`, and then nothing has changed.
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
