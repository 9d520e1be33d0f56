/** What a hostile client does to a server: one conversation, the same for the same seed. */
import type { Random } from './random.ts'

/** The server under attack, by the address and the protocols of one listener. */
export interface Target {
  readonly host: string
  readonly port: number
  /** TLS is spoken, with HTTP/2 by ALPN; else plain text, with HTTP/2 by prior knowledge. */
  readonly tls: boolean
  /** Connections may begin with a header of the PROXY protocol. */
  readonly proxyProtocol: boolean
}

export interface Conversation {
  readonly name: string
  /**
   * Holds one conversation, within seconds, and leaves no socket open. Whatever the server answers is fine: what it must
   * survive is the rest. Resolves with what was done, in one line, for the story of a failure.
   */
  run(random: Random, target: Target): Promise<string>
}
