/** HTTP/2 beside a server of HTTP/1.1, whose requests it shares; loaded only where it is wanted. */
import { createServer } from 'node:http2'
import type { Socket } from 'node:net'
import { tolerateResets } from '../http/http2-response.ts'
import type { AppServer } from '../http/types.ts'
import { mostFields } from '../http/validation.ts'
import type { WorkerLog } from '../process/log.ts'
import type { WorkerSettings } from '../protocol/messages.ts'
import type { Connections } from './connections.ts'
import { standFast } from './http2-express.ts'

export interface SessionParts {
  readonly settings: WorkerSettings
  readonly connections: Connections
  readonly log: WorkerLog
  /** An Express application answers. */
  readonly express: boolean
}

/** What a connection may use together where the client is told nothing else (RFC 9113 section 6.9.2). */
const usualWindow = 65_535

/** What Node lets a session use, in megabytes, where nothing else is said. */
const usualMemory = 10

/** Returns what takes connections that speak HTTP/2; `server` gets their requests. */
export function createSessions(server: AppServer, parts: SessionParts): (socket: Socket) => void {
  const { settings, connections, log, express } = parts
  tolerateResets()
  const {
    http2_max_concurrent_streams: maxConcurrentStreams,
    http2_initial_window_size: initialWindowSize,
    http2_max_frame_size: maxFrameSize,
    http2_max_header_list_size: maxHeaderListSize,
  } = settings
  const options = {
    settings: { maxConcurrentStreams, initialWindowSize, maxFrameSize, maxHeaderListSize },
    // What is a little more than the limit gets 431, and not only an error of its stream.
    maxHeaderListPairs: mostFields(settings) + 128,
    // Else new streams are refused while the old ones make use of their windows.
    maxSessionMemory: Math.max(usualMemory, Math.ceil((2 * maxConcurrentStreams * initialWindowSize) / 1e6)),
  }
  const sessions = createServer(options, (req, res) => {
    if (express) standFast(req, res)
    server.emit('request', req, res)
  })
  sessions.on('checkExpectation', (req, res) => server.emit('checkExpectation', req, res))
  // Where nobody listens for it, as a request is refused.
  sessions.on('connect', (req, res) => server.emit('request', req, res))
  // `keepalive = 0` is one request for each connection in HTTP/1.1, which would make nothing of HTTP/2.
  const idleMs = Math.max(settings.keepalive, 1) * 1_000
  sessions.on('session', session => {
    const streams = connections.addSession(session, () => {
      if (!session.destroyed) session.setTimeout(idleMs)
    })
    session.on('timeout', () => {
      if (streams.size === 0) session.close()
    })
    session.setTimeout(idleMs)
    if (initialWindowSize > usualWindow) session.setLocalWindowSize(initialWindowSize)
  })
  sessions.on('sessionError', (error: Error) => log.debug(`A session of HTTP/2 ended: ${error.message}`))
  return socket => sessions.emit('connection', socket)
}
