/** Counts responses on the scoreboard, by status class and by duration, and bytes; lists what is not answered yet. */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { OpenRequest } from '../../hooks/table.ts'
import { isComplete } from '../http/response.ts'
import { fieldIndex } from '../protocol/scoreboard.ts'
import type { ConnectionState } from './connection-state.ts'

const responses = fieldIndex('responses_0')
const durations = fieldIndex('took_1ms')
const together = fieldIndex('took_ms')
const received = fieldIndex('bytes_received')
const sent = fieldIndex('bytes_sent')
const plainConnections = fieldIndex('plain_connections')

const buckets = [1, 5, 25, 100, 500, 2_500, 10_000] as const

export function countResponse(record: Float64Array, res: ServerResponse, milliseconds: number): void {
  const finished = isComplete(res) ? Math.floor(res.statusCode / 100) : 0
  record[responses + (finished >= 1 && finished <= 5 ? finished : 0)]! += 1
  let bucket = 0
  while (bucket < buckets.length && milliseconds > buckets[bucket]!) bucket += 1
  record[durations + bucket]! += 1
  record[together]! += milliseconds
}

/** Counts the bytes of a connection that has closed; a plain one that got an answer is counted itself. */
export function countBytes(record: Float64Array, socket: Socket, isPlain: boolean): void {
  // It may be a stream that the app has put around a connection.
  const { bytesRead = 0, bytesWritten = 0 }: Partial<Socket> = socket
  if (isPlain && bytesWritten > 0) record[plainConnections]! += 1
  record[received]! += bytesRead
  record[sent]! += bytesWritten
}

/** The unanswered requests: the newest one of each connection. */
export function openRequests(open: Iterable<readonly [Socket, ConnectionState]>): OpenRequest[] {
  const now = performance.now()
  return Array.from(open).flatMap(([socket, { activeRequests, newestResponse, arrivedAt }]) => {
    if (activeRequests === 0 || newestResponse === undefined) return []
    const { method = '', url: path = '' } = newestResponse.req
    return [{ method, path, client: socket.remoteAddress ?? '', age: (now - arrivedAt) / 1_000 }]
  })
}
