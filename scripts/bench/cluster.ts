/** What Node itself offers: `node:cluster` with two workers and round-robin scheduling. */
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import app from './app.ts'

if (cluster.isPrimary) {
  cluster.schedulingPolicy = cluster.SCHED_RR
  const workers = [cluster.fork(), cluster.fork()]
  // Both listen on port 0; the primary chooses one port for them.
  const [address] = await Promise.all(workers.map(addressOf))
  console.log(`Listening at: http://127.0.0.1:${address?.port}`)
  console.log('Running: 2 workers ready')
  process.once('SIGTERM', () => {
    for (const worker of workers) worker.process.kill('SIGTERM')
    process.exit()
  })
} else {
  http.createServer(app).listen(0, '127.0.0.1')
}

async function addressOf(worker: Worker): Promise<AddressInfo> {
  const [address] = await once(worker, 'listening')
  return address
}
