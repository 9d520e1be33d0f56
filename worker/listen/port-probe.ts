/** Makes an app's own port look free to the app. */
import { type Server, Socket } from 'node:net'
import { type ListenRequest, readListen } from './listen-request.ts'

/**
 * Refuses connections of the app to its own port: an app that connects before it listens checks whether the port is
 * free, and tsicorn already listens there. The returned function ends this, and leaves in place what others have
 * wrapped around it.
 */
export function refuseProbes(isOwn: (request: ListenRequest) => boolean): () => void {
  const { connect } = Socket.prototype
  let isOver = false
  Socket.prototype.connect = function (this: Socket, ...args: unknown[]) {
    if (isOver) return Reflect.apply(connect, this, args)
    // Node's own functions pass on their arguments as a list.
    const request = readListen(Array.isArray(args[0]) ? args[0] : args)
    if (request === undefined || !isOwn(request)) return Reflect.apply(connect, this, args)
    const { host: address = '127.0.0.1', port } = request
    const text = `connect ECONNREFUSED ${address}:${port}`
    const error = Object.assign(new Error(text), { code: 'ECONNREFUSED', syscall: 'connect', address, port })
    process.nextTick(() => this.destroy(error))
    return this
  } as typeof connect
  return () => {
    isOver = true
  }
}

/** Calls back once, before a server that serves nothing gets its first listener for connections. */
export function whenServing(server: Server, callback: () => void): void {
  const onListener = (name: string) => {
    if (name !== 'connection') return
    server.off('newListener', onListener)
    callback()
  }
  server.on('newListener', onListener)
}
