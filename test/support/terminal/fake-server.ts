/** A control socket without a server behind it, for clients that have to bear anything. */
import { rmSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { encodeFrame, FrameReader, longestRequest } from '../../../control/protocol/frame.ts'
import type { Request } from '../../../control/protocol/messages.ts'
import { afterServers, makeFolder } from '../tsicorn.ts'

/**
 * Answers commands with these data, and nothing else; the path of its socket. To others it says one thing and that it is
 * done, or that it cannot be done.
 */
export async function fakeServer(
  answers: Readonly<Record<string, unknown>>,
  said: Readonly<Record<string, object>> = {},
): Promise<string> {
  const folder = makeFolder()
  const path = join(folder, 'fake.ctl')
  const sockets = new Set<net.Socket>()
  const server = net.createServer(socket => {
    sockets.add(socket)
    const reader = new FrameReader(longestRequest)
    socket.on('error', () => undefined)
    socket.on('data', bytes => {
      for (const message of reader.push(bytes)) {
        const { id, command } = message as Request
        const data = answers[command]
        if (data !== undefined) socket.write(encodeFrame({ id, status: 'ok', data }))
        const word = said[command]
        if (word instanceof Error) socket.write(encodeFrame({ id, status: 'error', error: word.message }))
        else if (word !== undefined) {
          socket.write(encodeFrame({ id, status: 'progress', data: word }))
          socket.write(encodeFrame({ id, status: 'ok', data: {} }))
        }
      }
    })
  })
  await new Promise<void>(resolve => server.listen({ path }, resolve))
  afterServers(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
    rmSync(folder, { recursive: true })
  })
  return path
}
