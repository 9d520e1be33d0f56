/** Listens on inherited sockets, beside what the app is told of that. */
import net from 'node:net'
import type { AppServer } from '../http/types.ts'
import { BindFailed } from '../protocol/boot-error.ts'
import type { InheritedListener } from '../protocol/messages.ts'
import { targetOf } from './listen-request.ts'

// An app that listens by itself is caught at `listen`; what this file does must not be.
const listenOfNode = net.Server.prototype.listen

/** One server listens on one socket; for further ones it is handed what others accept. */
export function createForwarder(server: AppServer): net.Server {
  return net.createServer({ allowHalfOpen: true, noDelay: true }, socket => {
    server.emit('connection', socket)
  })
}

/** Rejects with `BindFailed` when somebody else listens there. */
export async function listen(
  server: net.Server,
  listener: InheritedListener,
  backlog: number,
): Promise<void> {
  const { name } = listener
  await new Promise<void>((resolve, reject) => {
    const failed = (error: Error) =>
      reject(new BindFailed(`Cannot listen on ${name}: ${error.message}`, { cause: error }))
    server.once('error', failed)
    const heard = () => {
      server.off('error', failed)
      resolve()
    }
    Reflect.apply(listenOfNode, server, [{ ...targetOf(listener), backlog }, backlog, heard])
  })
}

/**
 * Leaves the accept loop and nothing else: the `close` of `http.Server` ends idle connections too, some of which carry a
 * request that is not read yet.
 */
export function stopListening(server: net.Server): void {
  if (server.listening) net.Server.prototype.close.call(server)
}
