import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Http2SecureServer, Http2Server, ServerHttp2Stream } from 'node:http2'
import type { Server as HttpsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import type { LogLevel } from '../protocol/messages.ts'

/** Every server of Node that speaks HTTP. */
export type AppServer = Server | SecureServer | Http2Server

export type SecureServer = HttpsServer | Http2SecureServer

/** May return a promise. */
export type RequestListener = (req: IncomingMessage, res: ServerResponse) => unknown

export type UpgradeListener = (req: IncomingMessage, socket: Duplex, head: Buffer) => unknown

export type StreamListener = (stream: ServerHttp2Stream, ...rest: readonly unknown[]) => unknown

export type AppLog = (level: LogLevel, message: string) => void

/** What an adapter makes of an app: a server to adopt or a listener to serve, never both. */
export type Servable = (
  | { readonly server: AppServer; readonly listener?: never }
  | { readonly listener: RequestListener; readonly server?: never }
) & {
  /** What was found, for the log. */
  readonly shape: string
  readonly upgrade?: UpgradeListener
  /** Closes the app once its sockets are drained. */
  readonly close?: () => Promise<void>
}

/**
 * Knows one shape of app: makes it servable, or returns undefined for whatever else it is shown.
 *
 * Adapters go by what an object can do and import no framework: the app has its own copy.
 */
export type Adapter = (value: unknown) => Servable | undefined | Promise<Servable>
