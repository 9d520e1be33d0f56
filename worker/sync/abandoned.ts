/** Requests whose client has left: when is their app done with them? */
import type { ServerResponse } from 'node:http'

/** Whether the client has closed the connection, and not the app. */
export function hasClientLeft({ req }: ServerResponse): boolean {
  const { readableEnded, errored } = req.socket
  return readableEnded || (errored as NodeJS.ErrnoException | null)?.syscall !== undefined
}

/** Calls back when the app ends or destroys the response, or the promise of its listener is settled. */
export function onDone(
  res: ServerResponse,
  outcome: PromiseLike<unknown> | undefined,
  callback: () => void,
): void {
  for (const name of ['end', 'destroy'] as const) {
    const own = res[name] as (...args: readonly unknown[]) => unknown
    const value = (...args: readonly unknown[]) => {
      callback()
      return Reflect.apply(own, res, args)
    }
    Object.defineProperty(res, name, { value, configurable: true, writable: true })
  }
  outcome?.then(callback, callback)
}
