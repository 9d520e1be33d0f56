/** The risk of `reuse_port`: each worker has its own socket, and so its own queue. */
import { readFileSync } from 'node:fs'

const migration = '/proc/sys/net/ipv4/tcp_migrate_req'

/** A warning if the kernel resets queued connections when a worker ends. */
export function reusePortRisk(): string | undefined {
  if (migrates()) return undefined
  return 'reuse_port: connections that wait in the queue of a worker that ends may be reset: set net.ipv4.tcp_migrate_req = 1, or leave reuse_port out'
}

function migrates(): boolean {
  try {
    return readFileSync(migration, 'utf8').trim() === '1'
  } catch (error) {
    // Not Linux, or a kernel before 5.14.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
