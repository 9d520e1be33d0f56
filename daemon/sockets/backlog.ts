/** Measures how many connections wait to be accepted, as Linux reports it. */
import { readFile } from 'node:fs/promises'
import { inodeOf } from './descriptor.ts'
import type { Listener } from './sockets.ts'

const listening = '0A'

/**
 * Returns a function that adds up the queues of the TCP listeners; it returns undefined without any, since the kernel
 * does not show the queues of unix sockets.
 */
export function backlogReader(listeners: readonly Listener[]): () => Promise<number | undefined> {
  const tcp = listeners.filter(({ port }) => port !== undefined)
  const inodes = new Set(tcp.flatMap(({ fd }) => (fd === undefined ? [] : (inodeOf(fd) ?? []))))
  // With `reuse_port`, the sockets belong to the workers: all that listen on the port count.
  const ports = new Set(tcp.filter(({ fd }) => fd === undefined).map(({ port }) => port))
  return async () => {
    if (tcp.length === 0) return undefined
    const tables = await Promise.all(['tcp', 'tcp6'].map(readTable))
    let waiting = 0
    for (const row of tables.flat()) {
      const [, local = '', , state, queues = '', , , , , inode = ''] = row.trim().split(/\s+/)
      if (state !== listening) continue
      const port = Number.parseInt(local.split(':')[1] ?? '', 16)
      if (inodes.has(inode) || ports.has(port)) waiting += Number.parseInt(queues.split(':')[1] ?? '0', 16)
    }
    return waiting
  }
}

/** A kernel without IPv6 has no table for it. */
async function readTable(name: string): Promise<string[]> {
  const text = await readFile(`/proc/self/net/${name}`, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  return text.split('\n').slice(1)
}
