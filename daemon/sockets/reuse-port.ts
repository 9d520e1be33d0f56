/** What it costs when every worker has a socket, and so a queue, of its own. */
import { readFileSync } from 'node:fs'

const migration = '/proc/sys/net/ipv4/tcp_migrate_req'

/** A warning where the kernel resets what waits in the queue of a worker that ends. */
export function reusePortRisk(): string | undefined {
  if (migrates()) return undefined
  return 'reuse_port: connections that wait in the queue of a worker that ends may be reset: set net.ipv4.tcp_migrate_req = 1, or leave reuse_port out'
}

function migrates(): boolean {
  try {
    return readFileSync(migration, 'utf8').trim() === '1'
  } catch (error) {
    // A kernel before 5.14, or not Linux.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
