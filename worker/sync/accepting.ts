/**
 * Stops and resumes accepting on a listening socket that stays open.
 *
 * libuv accepts while it watches the descriptor, and `readStop` ends that for whatever is watched. It does so only after
 * `readStart`, which a listening handle takes as well, and which watches it again. So the worker keeps its descriptor,
 * and what is queued in the kernel stays for others.
 */
import type { Server } from 'node:net'

/** What `node:net` keeps the socket of a server in, from Node 22 to 26. */
interface Handle {
  /** Both return 0, or the number of an error. */
  readStart?(): number
  readStop?(): number
}

function handleOf(server: Server): Handle | undefined {
  return (server as Server & { readonly _handle?: Handle | null })._handle ?? undefined
}

/** Returns false if it goes on accepting; a server that does not listen accepts nothing. */
export function pauseAccepting(server: Server): boolean {
  const handle = handleOf(server)
  if (handle === undefined) return true
  // It returns an error where it was called before.
  handle.readStart?.()
  return handle.readStop?.() === 0
}

export function resumeAccepting(server: Server): void {
  handleOf(server)?.readStart?.()
}
