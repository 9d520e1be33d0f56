/**
 * Keeps the files of unix sockets that the arbiter has bound. A standalone program removes a stale socket file before
 * it listens, and its own at the end; here the file belongs to all workers, so the removal only seems to succeed.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

type Function = (...args: never[]) => unknown

/** Call once, before any code of the app runs. */
export function keepSocketFiles(paths: readonly string[]): void {
  if (paths.length === 0) return
  const isKept = (path: unknown) => {
    if (path instanceof URL) return path.protocol === 'file:' && paths.includes(fileURLToPath(path))
    return (typeof path === 'string' || Buffer.isBuffer(path)) && paths.includes(resolve(path.toString()))
  }
  const wrap = (owner: object, name: string, pretend: (args: unknown[]) => unknown) => {
    const original = Reflect.get(owner, name) as Function
    const wrapped = (...args: unknown[]) =>
      isKept(args[0]) ? pretend(args) : Reflect.apply(original, owner, args)
    Object.defineProperty(wrapped, 'name', { value: name })
    Reflect.set(owner, name, wrapped)
  }
  for (const name of ['unlink', 'rm']) {
    wrap(fs, `${name}Sync`, () => undefined)
    wrap(fs.promises, name, () => Promise.resolve())
    wrap(fs, name, args => {
      const callback = args.at(-1)
      if (typeof callback === 'function') process.nextTick(callback as () => void, null)
    })
  }
  syncBuiltinESMExports()
}
