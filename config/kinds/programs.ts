/** The kinds of settings for workers that are programs: signals, patterns, addresses to probe. */
import { asText, isString, type Kind } from './kinds.ts'

/** The signals that ask a program to finish, as `kill` names them. */
const stopSignals = ['TERM', 'INT', 'QUIT', 'HUP', 'USR1', 'USR2', 'WINCH'] as const

export type StopSignal = (typeof stopSignals)[number]

/** A signal by its name, with or without `SIG`. */
export const stopSignal: Kind<StopSignal | `SIG${StopSignal}`, StopSignal> = {
  expects: `one of ${stopSignals.join(', ')}`,
  metavar: 'SIGNAL',
  type: [...stopSignals, ...stopSignals.map(name => `SIG${name}`)].map(name => `'${name}'`).join(' | '),
  schema: { enum: [...stopSignals, ...stopSignals.map(name => `SIG${name}`)] },
  read: written =>
    isString(written) ? stopSignals.find(name => `SIG${name}` === withSig(written)) : undefined,
  fromText: asText,
}

function withSig(name: string): string {
  const upper = name.trim().toUpperCase()
  return upper.startsWith('SIG') ? upper : `SIG${upper}`
}

/** A regular expression as text, or null; empty text means null. */
export const pattern: Kind<string | null, string | null> = {
  expects: "null or a regular expression in JavaScript's notation",
  metavar: 'REGEX',
  type: 'string | null',
  schema: { type: ['string', 'null'], format: 'regex' },
  read: written => {
    if (written === null || written === '') return null
    return isString(written) && isPattern(written) ? written : undefined
  },
  fromText: asText,
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp
  } catch {
    return false
  }
}

/** Where and what to ask over HTTP. */
export interface Probe {
  /** The path of a unix socket; without it, host and port. */
  readonly socketPath?: string
  readonly host?: string
  readonly port?: number
  /** With the query. */
  readonly path: string
}

/** `http://HOST:PORT/PATH`, or `unix:SOCKET`, or `unix:SOCKET:/PATH` as NGINX writes it; undefined if it is neither. */
export function parseProbe(text: string): Probe | undefined {
  const [, socketPath, uri = '/'] = /^(?:http:\/\/)?unix:([^:]+)(?::(\/.*)?)?$/.exec(text) ?? []
  if (socketPath !== undefined) return { socketPath, path: uri }
  if (!/^http:\/\/[^/]/.test(text) || !URL.canParse(text)) return undefined
  const { hostname, port, pathname, search } = new URL(text)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80), path: `${pathname}${search}` }
}

/** Such an address or null; `{pid}` and `{index}` in it are those of the worker. */
export const probe: Kind<string | null, string | null> = {
  expects:
    'null, http://HOST:PORT/PATH or unix:SOCKET:/PATH, where {pid} and {index} are those of the worker',
  metavar: 'URL',
  type: 'string | null',
  schema: { type: ['string', 'null'] },
  read: written => {
    if (written === null || written === '') return null
    return isString(written) && parseProbe(fillIn(written, 1, 0)) !== undefined ? written : undefined
  },
  fromText: asText,
}

export function fillIn(text: string, pid: number, index: number): string {
  return text.replaceAll('{pid}', `${pid}`).replaceAll('{index}', `${index}`)
}
