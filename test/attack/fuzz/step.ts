/** What a client does on one connection, as data: it can be mutated, printed and done again. */

export type Step =
  | { readonly kind: 'write'; readonly bytes: Buffer }
  /** Past TLS, where the connection has it: straight to the socket. */
  | { readonly kind: 'write raw'; readonly bytes: Buffer }
  /** Until something is answered that was not there at the last wait, or the server leaves, or this many ms are over. */
  | { readonly kind: 'wait'; readonly limit: number }
  /** Lets go of the event loop for so long: what was written has gone out as a segment of its own. */
  | { readonly kind: 'pause'; readonly ms: number }
  | { readonly kind: 'half close' }
  | { readonly kind: 'reset' }
  | { readonly kind: 'destroy' }
  | { readonly kind: 'stop reading' }
  | { readonly kind: 'resume' }
  /** A new handshake on a connection of TLS 1.2. */
  | { readonly kind: 'renegotiate' }

export interface Script {
  /** The protocols to be offered where TLS is spoken; none is no ALPN at all. */
  readonly alpn: readonly string[]
  /** What goes before TLS: a header of the PROXY protocol. */
  readonly preamble?: Buffer
  /** Where a listener speaks TLS, it is spoken to in plain text all the same. */
  readonly plain?: boolean
  readonly tls?: Handshake
  readonly steps: readonly Step[]
}

/** How the bytes of a handshake, and of all records that follow, go out. */
export interface Handshake {
  readonly maxVersion?: 'TLSv1.2'
  /** The most bytes in a segment. */
  readonly segment?: number
  /** After so many bytes, the connection meets this fate. */
  readonly after?: number
  readonly fate?: 'flip' | 'reset' | 'destroy' | 'half close' | 'stall'
}

export const write = (bytes: string | Buffer): Step => ({ kind: 'write', bytes: toBytes(bytes) })
export const raw = (bytes: string | Buffer): Step => ({ kind: 'write raw', bytes: toBytes(bytes) })
export const wait = (limit = 150): Step => ({ kind: 'wait', limit })
export const pause = (ms = 0): Step => ({ kind: 'pause', ms })
export const halfClose: Step = { kind: 'half close' }
export const reset: Step = { kind: 'reset' }
export const destroy: Step = { kind: 'destroy' }
export const stopReading: Step = { kind: 'stop reading' }
export const resume: Step = { kind: 'resume' }

export function toBytes(text: string | Buffer): Buffer {
  return typeof text === 'string' ? Buffer.from(text, 'latin1') : text
}

/** In one line, with the bytes as they would have to be typed. */
export function describe({ alpn, preamble, plain, tls, steps }: Script): string {
  const before = [
    ...(preamble === undefined ? [] : [`preamble ${quote(preamble)}`]),
    ...(plain ? ['in plain text'] : [`ALPN ${alpn.join(' ') || 'none'}`]),
    ...(tls === undefined ? [] : [JSON.stringify(tls)]),
  ]
  return [...before, ...steps.map(describeStep)].join(', ')
}

function describeStep(step: Step): string {
  switch (step.kind) {
    case 'write':
    case 'write raw':
      return `${step.kind} ${quote(step.bytes)}`
    case 'wait':
      return `wait ${step.limit} ms`
    case 'pause':
      return `pause ${step.ms} ms`
    default:
      return step.kind
  }
}

const mostQuoted = 400

function quote(bytes: Buffer): string {
  const text = bytes.toString('latin1', 0, mostQuoted)
  const visible = JSON.stringify(text).replace(
    /[\x7f-\xff]/g,
    letter => `\\x${letter.charCodeAt(0).toString(16)}`,
  )
  return bytes.length > mostQuoted ? `${visible} of ${bytes.length} bytes` : visible
}
