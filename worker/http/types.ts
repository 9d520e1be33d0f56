/** The types of servers, listeners and apps. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Http2SecureServer, Http2Server, ServerHttp2Stream } from 'node:http2'
import type { Server as HttpsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import type { LogLevel } from '../protocol/messages.ts'

/** Any of Node's HTTP servers. */
export type AppServer = Server | SecureServer | Http2Server

export type SecureServer = HttpsServer | Http2SecureServer

/** May return a promise. */
export type RequestListener = (req: IncomingMessage, res: ServerResponse) => unknown

/** A step in front of a listener: takes the next one, and returns one that calls it. */
export type RequestStep = (next: RequestListener) => RequestListener

export type UpgradeListener = (req: IncomingMessage, socket: Duplex, head: Buffer) => unknown

export type StreamListener = (stream: ServerHttp2Stream, ...rest: readonly unknown[]) => unknown

export type AppLog = (level: LogLevel, message: string) => void

/** An app that an adapter made servable: a server or a listener, never both. */
export type Servable = (
  | { readonly server: AppServer; readonly listener?: never }
  | { readonly listener: RequestListener; readonly server?: never }
) & {
  /** The kind of app, for the log. */
  readonly shape: string
  readonly upgrade?: UpgradeListener
  /** Closes the app once its sockets are drained. */
  readonly close?: () => Promise<void>
}

/**
 * Makes one shape of app servable, and returns undefined for everything else.
 *
 * Adapters look at the members of an object and import no framework: the app has its own copy.
 */
export type Adapter = (value: unknown) => Servable | undefined | Promise<Servable | undefined>
