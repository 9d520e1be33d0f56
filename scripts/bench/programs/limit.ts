/** The limit for any supervisor: bare processes that listen on one socket, bound by a parent. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { bind } from '../../../daemon/sockets/sockets.ts'
import { place } from './create-server.ts'

const { host = '', port = 0, path } = place()
const address =
  path === undefined ? ({ kind: 'tcp', host, port } as const) : ({ kind: 'unix', path } as const)
const listener = await bind(address, { umask: 0 })
const program = fileURLToPath(new URL('./serve.mjs', import.meta.url))
const env = { ...process.env, BENCH_PLACE: JSON.stringify({ fd: 4 }) }
const workers = Array.from({ length: Number(process.env.BENCH_WORKERS) }, () =>
  spawn(process.execPath, [program], { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc', listener.fd] }),
)

process.once('SIGTERM', () => {
  for (const worker of workers) worker.kill('SIGTERM')
  process.exit()
})
