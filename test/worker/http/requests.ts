/** Requests as the parser of Node hands them over, without a connection. */
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { RequestRules } from '../../../worker/http/validation.ts'

/** The defaults of the settings. */
export const defaultRules: RequestRules = {
  limit_request_line: 4094,
  limit_request_fields: 100,
  limit_request_field_size: 8190,
  limit_request_body: 0,
  header_map: 'drop',
  forwarder_headers: ['SCRIPT_NAME', 'PATH_INFO'],
  forwarded_allow_ips: ['127.0.0.1', '::1'],
  secure_scheme_headers: {
    'X-FORWARDED-PROTOCOL': 'ssl',
    'X-FORWARDED-PROTO': 'https',
    'X-FORWARDED-SSL': 'on',
  },
}

export interface Given {
  readonly method?: string
  readonly url?: string
  readonly version?: '0.9' | '1.0' | '1.1' | '2.0' | '3.0'
  /** Names and values in turn. */
  readonly headers?: readonly string[]
  readonly peer?: string
}

type Headers = Record<string, string | undefined>

export function requestOf({
  method = 'GET',
  url = '/',
  version = '1.1',
  headers = ['Host', 'test'],
  peer = '127.0.0.1',
}: Given): IncomingMessage {
  const socket = new Socket()
  Object.defineProperty(socket, 'remoteAddress', { value: peer })
  const req = new IncomingMessage(socket)
  const [major = '', minor = ''] = version.split('.')
  Object.assign(req, { method, url, httpVersion: version })
  Object.assign(req, { httpVersionMajor: Number(major), httpVersionMinor: Number(minor) })
  if (version === '2.0') Object.assign(req, { stream: {} })
  req.rawHeaders.push(...headers)
  // As Node does it with headers that may come several times.
  const joined: Headers = req.headers as Headers
  for (let n = 0; n < headers.length; n += 2) {
    const name = (headers[n] as string).toLowerCase()
    const before = joined[name]
    if (before === undefined) joined[name] = headers[n + 1]
    else if (name !== 'host' && name !== 'content-type') joined[name] = `${before}, ${headers[n + 1]}`
  }
  return req
}
