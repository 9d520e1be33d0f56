/** The process title and the environment of a worker. */
import type { WorkerUser } from '../protocol/messages.ts'

/** Sets the process title, shortened to the space that the system has for it, with its closing bracket. */
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

/** The variable that says where the app is mounted, in the form of `raw_env`. */
export function mountVariable({ root_path }: { readonly root_path: string }): readonly string[] {
  return root_path === '' ? [] : [`SCRIPT_NAME=${root_path.replace(/\/+$/, '')}`]
}

/** The variables of a user account, in the form of `raw_env`. */
export function accountVariables({ user, home }: Partial<WorkerUser> = {}): readonly string[] {
  return [
    ...(user === undefined ? [] : [`USER=${user}`, `LOGNAME=${user}`]),
    ...(home === undefined ? [] : [`HOME=${home}`]),
  ]
}
