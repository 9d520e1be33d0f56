/** The folder that tsicorn is started in, as the shell names it. */
import { statSync } from 'node:fs'

/**
 * The folder under the name that the shell has for it, so that every generation follows a symbolic link in it again.
 */
export function startFolder(): string {
  const real = workingFolder()
  const named = process.env.PWD
  if (named === undefined) return real
  const [a, b] = [statSync(named, { throwIfNoEntry: false }), statSync(real)]
  return a?.ino === b.ino && a.dev === b.dev ? named : real
}

function workingFolder(): string {
  try {
    return process.cwd()
  } catch (error) {
    throw new Error('The folder that tsicorn is started in has been removed: start it in another one', {
      cause: error,
    })
  }
}
