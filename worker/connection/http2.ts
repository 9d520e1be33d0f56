/** HTTP/2 for an HTTP/1.1 server, which gets the requests of both; loaded only where HTTP/2 is configured. */
import { createServer, type ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { tolerateResets } from '../http/http2-response.ts'
import type { AppServer } from '../http/types.ts'
import { maxFields } from '../http/validation.ts'
import type { WorkerLog } from '../process/log.ts'
import type { WorkerSettings } from '../protocol/messages.ts'
import { wrappedBy } from './connection-state.ts'
import type { Connections } from './connections.ts'
import { pinMethods } from './http2-express.ts'

export interface Http2Parts {
  readonly settings: WorkerSettings
  readonly connections: Connections
  readonly log: WorkerLog
  /** The requests go to an Express application. */
  readonly isExpress: boolean
}

/** The initial window of a connection, in bytes (RFC 9113, section 6.9.2). */
const defaultWindow = 65_535

/** Node's default memory limit of a session, in megabytes. */
const defaultMemory = 10

/** Returns a function that takes HTTP/2 connections; `server` gets their requests. */
export function createSessions(server: AppServer, parts: Http2Parts): (socket: Socket) => void {
  const { settings, connections, log, isExpress } = parts
  tolerateResets()
  const {
    http2_max_concurrent_streams: maxConcurrentStreams,
    http2_initial_window_size: initialWindowSize,
    http2_max_frame_size: maxFrameSize,
    http2_max_header_list_size: maxHeaderListSize,
  } = settings
  const options = {
    settings: { maxConcurrentStreams, initialWindowSize, maxFrameSize, maxHeaderListSize },
    // A little beyond the limit, so that validation can answer with 431 instead of a stream error.
    maxHeaderListPairs: maxFields(settings) + 128,
    // Otherwise new streams are refused while the open ones use their windows.
    maxSessionMemory: Math.max(
      defaultMemory,
      Math.ceil((2 * maxConcurrentStreams * initialWindowSize) / 1e6),
    ),
  }
  const sessions = createServer(options, (req, res) => {
    if (isExpress) pinMethods(req, res)
    server.emit('request', req, res)
  })
  sessions.on('checkExpectation', (req, res) => server.emit('checkExpectation', req, res))
  // Rejected like a request, unless the app handles it.
  sessions.on('connect', (req, res) => server.emit('request', req, res))
  // In HTTP/1.1, `keepalive = 0` means one request per connection, which would make HTTP/2 pointless.
  const idleMs = Math.max(settings.keepalive, 1) * 1_000
  sessions.on('session', session => {
    if (mayReadTwice) showTls(session)
    const streams = connections.addSession(session, () => {
      if (!session.destroyed) session.setTimeout(idleMs)
    })
    session.on('timeout', () => {
      if (streams.size === 0) session.close()
    })
    session.setTimeout(idleMs)
    if (initialWindowSize > defaultWindow) session.setLocalWindowSize(initialWindowSize)
  })
  sessions.on('sessionError', (error: Error) => log.debug(`An HTTP/2 session ended: ${error.message}`))
  return socket => {
    if (mayReadTwice && 'encrypted' in socket) readByStream(socket)
    sessions.emit('connection', socket)
  }
}

/**
 * Node 22 crashes when a write to a connection of TLS fails at once, as after a reset, while the session reads a body: it
 * reads the same bytes again before it has read them.
 */
const mayReadTwice = Number.parseInt(process.versions.node, 10) < 24

interface StreamHandle {
  isStreamBase?: boolean
}

/** Lets Node read and write this socket as it does any other stream: later, but one thing after the other. */
function readByStream(socket: Socket): void {
  const { _handle: handle } = socket as { readonly _handle?: StreamHandle | null }
  if (handle) handle.isStreamBase = false
}

type Members = Record<string, unknown>

/** The socket that requests show knows nothing of the other one that Node reads by. */
function showTls({ socket }: ServerHttp2Session): void {
  const shown = socket as unknown as Members
  const stream = wrappedBy(socket) as Members | undefined
  if (stream?.encrypted !== true) return
  const endOf = (side: string) => () => ({
    address: stream[`${side}Address`],
    port: stream[`${side}Port`],
    family: stream[`${side}Family`],
  })
  shown._getpeername = endOf('remote')
  shown._getsockname = endOf('local')
  for (const name of shownNames) {
    const value = stream[name]
    shown[name] = typeof value === 'function' ? value.bind(stream) : value
  }
}

const shownNames = [
  'encrypted',
  'authorized',
  'authorizationError',
  'alpnProtocol',
  'servername',
  'getCertificate',
  'getCipher',
  'getEphemeralKeyInfo',
  'getFinished',
  'getPeerCertificate',
  'getPeerFinished',
  'getPeerX509Certificate',
  'getProtocol',
  'getSession',
  'getSharedSigalgs',
  'getTLSTicket',
  'getX509Certificate',
  'exportKeyingMaterial',
  'isSessionReused',
]
