/** Places that logs and metrics are sent to, for tests. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type ListenOptions, type Socket } from 'node:net'
import { afterServers, eventually } from './tsicorn.ts'

/** What arrives, one datagram or one line after the other. */
export class Collector {
  readonly port: number
  readonly heard: string[] = []

  constructor(port: number) {
    this.port = port
  }

  /** Waits until something that matches has arrived, and returns it. */
  async hears(pattern: RegExp): Promise<string> {
    await eventually(`something like ${pattern} is sent:\n${this.heard.join('\n')}`, () =>
      this.heard.some(text => pattern.test(text)),
    )
    return this.heard.find(text => pattern.test(text)) as string
  }
}

export async function collectDatagrams(port = 0): Promise<Collector> {
  const socket = createSocket('udp4')
  socket.bind(port, '127.0.0.1')
  await once(socket, 'listening')
  afterServers(() => socket.close())
  const collector = new Collector(socket.address().port)
  socket.on('message', message => collector.heard.push(message.toString()))
  return collector
}

/** Lines over connections, at a free port or at this place. */
export async function collectLines(
  place: ListenOptions = { port: 0, host: '127.0.0.1' },
): Promise<Collector> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    let rest = ''
    socket.setEncoding('utf8').on('data', text => {
      const lines = `${rest}${text}`.split('\n')
      rest = lines.pop() as string
      collector.heard.push(...lines)
    })
  })
  await once(server.listen(place), 'listening')
  afterServers(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const collector = new Collector((server.address() as AddressInfo).port)
  return collector
}
