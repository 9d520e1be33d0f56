/** What Node itself offers: `node:cluster` with round-robin scheduling; a worker that ends is replaced. */
import cluster from 'node:cluster'
import { createServer, place } from './create-server.ts'

if (cluster.isPrimary) {
  cluster.schedulingPolicy = cluster.SCHED_RR
  for (let started = 0; started < Number(process.env.BENCH_WORKERS); started += 1) cluster.fork()
  cluster.on('exit', () => cluster.fork())
  process.once('SIGTERM', () => {
    cluster.removeAllListeners('exit')
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGTERM')
    process.exit()
  })
} else {
  const server = await createServer()
  server.listen(place())
}
