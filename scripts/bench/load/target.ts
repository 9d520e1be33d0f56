/** Where a server is asked, and a single request to it. */
import { once } from 'node:events'
import http, { type Agent, type IncomingMessage } from 'node:http'
import https from 'node:https'
import { text } from 'node:stream/consumers'

export interface Target {
  /** With `http2`, a server speaks HTTP/1.1 as well. */
  readonly protocol: 'http' | 'https' | 'http2'
  readonly port: number
  /** The path of a unix socket, which then replaces the port. */
  readonly socket?: string
}

export interface Answer {
  readonly status: number
  readonly body: string
}

const patienceMs = 20_000

/** The address of a path, for load generators. */
export function urlOf({ protocol, port }: Target, path: string): string {
  return `${protocol === 'http' ? 'http' : 'https'}://127.0.0.1:${port}${path}`
}

/** One request; without an agent, on a connection of its own. Rejects if the connection ends before the answer does. */
export async function ask({ protocol, port, socket }: Target, path: string, agent?: Agent): Promise<Answer> {
  const where = socket === undefined ? { host: '127.0.0.1', port } : { socketPath: socket }
  const client = protocol === 'http' ? http : https
  const options = { ...where, path, agent: agent ?? false, rejectUnauthorized: false, timeout: patienceMs }
  const request = client.get(options)
  request.once('timeout', () => request.destroy(new Error('The server does not answer')))
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return { status: response.statusCode ?? 0, body: await text(response) }
}
