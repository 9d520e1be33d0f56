/** Who a worker is: its process title and its environment. */
import type { WorkerUser } from '../protocol/messages.ts'

/** Sets the process title, shortened so that it fits where the system keeps it and still ends with its bracket. */
export function setTitle(role: string, name: string): void {
  const wanted = `tsicorn: ${role} [${name}]`
  process.title = wanted
  const room = process.title.length
  if (room < wanted.length) process.title = `${wanted.slice(0, room - 1)}]`
}

/** Applies the setting `raw_env`: `NAME=value` each. */
export function applyEnvironment(raw_env: readonly string[]): void {
  for (const pair of raw_env) {
    const middle = pair.indexOf('=')
    process.env[pair.slice(0, middle)] = pair.slice(middle + 1)
  }
}

/** Variables that tell programs who they run as, in the form of `raw_env`. */
export function accountVariables({ user, home }: Partial<WorkerUser> = {}): readonly string[] {
  return [
    ...(user === undefined ? [] : [`USER=${user}`, `LOGNAME=${user}`]),
    ...(home === undefined ? [] : [`HOME=${home}`]),
  ]
}
