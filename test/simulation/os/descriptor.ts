/** `daemon/sockets/descriptor.ts` of a simulated machine. */
import { machine } from '../machine/machine.ts'

export function endpointOf(fd: number) {
  const file = machine().descriptors.get(fd)
  if (file?.kind !== 'socket') throw new RangeError(`descriptor ${fd} is not an open socket`)
  const [host = '', port] = file.socket.address.split(':')
  return { kind: 'tcp', host, port: Number(port) }
}

export function inodeOf(): undefined {
  return undefined
}

export function listeningAt(): readonly string[] {
  return []
}
