/** `root_path` for apps of Node: where they are mounted, by the operator or by a trusted proxy. */
import type { IncomingMessage } from 'node:http'
import { createForwarderHeaders, type RequestRules } from '../http/validation.ts'
import { mount, normalizeMount } from '../net/mount.ts'

/** Undefined where the app is at the root. */
export function createMount(
  rootPath: string,
  rules: RequestRules,
): ((req: IncomingMessage) => void) | undefined {
  const path = normalizeMount(rootPath)
  if (path === '') return undefined
  const mayTell = createForwarderHeaders(rules)
  return req => {
    const { script_name: told } = req.headers
    const isTold = typeof told === 'string' && mayTell('script_name', req.socket)
    mount(req, isTold ? normalizeMount(told) : path)
  }
}
