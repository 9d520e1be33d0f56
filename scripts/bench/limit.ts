/** The limit for any supervisor: two bare `node:http` processes that listen on one socket, bound by a parent. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { bind } from '../../daemon/sockets/sockets.ts'

const listener = await bind({ kind: 'tcp', host: '127.0.0.1', port: 0 }, { umask: 0 })
const program = fileURLToPath(new URL('./limit-worker.js', import.meta.url))

function startWorker(): ChildProcess {
  return spawn(process.execPath, [program], { stdio: ['ignore', 'inherit', 'inherit', 'ipc', listener.fd] })
}

const workers = [startWorker(), startWorker()]
await Promise.all(workers.map(worker => once(worker, 'message')))
console.log(`Listening at: ${listener.name}`)
console.log('Running: 2 workers ready')

process.once('SIGTERM', () => {
  for (const worker of workers) worker.kill('SIGTERM')
  process.exit()
})
