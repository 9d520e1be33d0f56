/** Listens on inherited sockets, with Node's own `listen`. */
import net from 'node:net'
import { forward } from '../app/adapters/server.ts'
import { BindFailed } from '../protocol/boot-error.ts'
import type { InheritedListener } from '../protocol/messages.ts'
import { targetOf } from './listen-request.ts'

// Taken before `listen` is intercepted for the app.
const listenOfNode = net.Server.prototype.listen

/** A server can listen on one socket only; this makes one that forwards the connections of another socket to it. */
export function createForwarder(server: () => net.Server): net.Server {
  return net.createServer({ allowHalfOpen: true, noDelay: true }, socket => forward(socket, server()))
}

/** Rejects with `BindFailed` when another process listens there. */
export async function listen(
  server: net.Server,
  listener: InheritedListener,
  backlog: number,
): Promise<void> {
  const { name } = listener
  await new Promise<void>((resolve, reject) => {
    const onError = (error: Error) =>
      reject(new BindFailed(`Cannot listen on ${name}: ${error.message}`, { cause: error }))
    server.once('error', onError)
    const onListening = () => {
      server.off('error', onError)
      resolve()
    }
    Reflect.apply(listenOfNode, server, [
      { ...targetOf(listener, listener.fd), backlog },
      backlog,
      onListening,
    ])
  })
}

/**
 * Stops accepting and nothing else: the `close` of `http.Server` also ends idle connections, some of which may carry a
 * request that is not read yet.
 */
export function stopListening(server: net.Server): void {
  if (server.listening) net.Server.prototype.close.call(server)
}
