/** Raw connections, for tests. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** Sends bytes, and returns all that comes until the server closes the connection. */
export async function exchange(url: string, ...pieces: (string | Uint8Array)[]): Promise<string> {
  const socket = await open(url)
  for (const piece of pieces) socket.write(piece)
  return await rest(socket)
}

export async function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect({ port: Number(port), host: hostname, noDelay: true, allowHalfOpen: true })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

export async function rest(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', chunk => chunks.push(chunk))
  await once(socket, 'end')
  socket.destroy()
  return Buffer.concat(chunks).toString('latin1')
}

/** The first bytes that come. */
export async function first(socket: Socket): Promise<string> {
  const [data] = (await once(socket, 'data')) as [Buffer]
  return data.toString('latin1')
}

export function statuses(answers: string): number[] {
  return Array.from(answers.matchAll(/^HTTP\/1\.1 (\d{3})/gm), ([, status]) => Number(status))
}
