/**
 * Stops and resumes accepting on an inherited socket, whose descriptor stays open: what is queued in the kernel is left
 * to others.
 *
 * libuv accepts while it watches the descriptor, and `readStop` ends that for whatever is watched. It does so only after
 * `readStart`, which watches again, and which a listening handle takes as well if it was made from a descriptor.
 */
import type { Server } from 'node:net'

/** What `node:net` keeps the socket of a server in, from Node 22 to 26. */
interface Handle {
  /** Both return 0, or the number of an error. */
  readStart?(): number
  readStop?(): number
}

/** libuv's EALREADY: it is watched. */
const already = -114

/** Returns false if it goes on accepting; a server that does not listen accepts nothing. */
export function pauseAccepting(server: Server): boolean {
  const handle = handleOf(server)
  if (handle === undefined) return true
  const watched = handle.readStart?.()
  return (watched === 0 || watched === already) && handle.readStop?.() === 0
}

export function resumeAccepting(server: Server): void {
  handleOf(server)?.readStart?.()
}

function handleOf(server: Server): Handle | undefined {
  return (server as Server & { readonly _handle?: Handle | null })._handle ?? undefined
}
