/** A program that serves on the descriptors it inherits, and says what it has got. */
import { writeSync } from 'node:fs'
import { createServer } from 'node:http'

const {
  WEB_CONCURRENCY = null,
  LISTEN_FDS,
  LISTEN_FDNAMES,
  LISTEN_PID,
  TSICORN_READY_FD,
  TSICORN_WORKER_INDEX,
} = process.env
const servers = Array.from({ length: Number(LISTEN_FDS) }, (_, at) =>
  createServer(answer).listen({ fd: 3 + at }),
)

function answer(req, res) {
  const { searchParams } = new URL(req.url, 'http://test')
  const said = {
    WEB_CONCURRENCY,
    pid: process.pid,
    LISTEN_FDS,
    LISTEN_FDNAMES,
    LISTEN_PID,
    TSICORN_WORKER_INDEX,
    args: process.argv.slice(2),
  }
  setTimeout(() => res.end(JSON.stringify(said)), Number(searchParams.get('ms')))
}

process.on('SIGTERM', () => {
  for (const server of servers) server.close()
})
if (TSICORN_READY_FD !== undefined) writeSync(Number(TSICORN_READY_FD), 'ready\n')
console.log('it serves')
