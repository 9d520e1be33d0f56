/** What a case asks of a server, and what a side answers. */
export type AppName = 'plain' | 'express' | 'fastify' | 'hono'

export interface Setup {
  readonly app: AppName
  /** With `http2`, over TLS. */
  readonly protocol: 'http' | 'https' | 'http2'
  readonly isUnix: boolean
  readonly workers: number
  /** What the server does beside, or does not. */
  readonly extra: Extra | 'nothing'
}

export type Extra =
  | 'access-log'
  | 'json-log'
  | 'statsd'
  | 'request-timeout'
  | 'balance-off'
  | 'balance-requests'

export const usualSetup: Setup = {
  app: 'plain',
  protocol: 'http',
  isUnix: false,
  workers: 2,
  extra: 'nothing',
}

/** Where one server listens, and keeps what it writes. */
export interface Place {
  readonly port: number
  /** Empty at first, and removed in the end. */
  readonly folder: string
  /** Where datagrams of statsd are received. */
  readonly statsdPort: number
}

export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

export interface Side {
  /** As it is named in tables. */
  readonly title: string
  /** Packages of npm that it needs, with their versions. */
  readonly packages?: readonly string[]
  /** The command that serves this, or undefined where the side cannot. */
  serve(setup: Setup, place: Place): Command | undefined
  /** What prints its version, or does the least that it can do. */
  readonly version: Command
  /** Replaces the workers of a running server, if it can do that without an end of service. */
  reload?(pid: number, place: Place): PromiseLike<unknown>
  /** A worker that ends is replaced. */
  readonly isSupervised: boolean
  /** What its workers are. */
  readonly workers: 'processes of Node' | 'threads of Node' | 'processes of Python'
}

export const socketIn = ({ folder }: Place): string => `${folder}/socket`
export const accessLogIn = ({ folder }: Place): string => `${folder}/access.log`
