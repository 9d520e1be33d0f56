/** The application of the tests of `sync`: it records how many requests it has at a time. */

/** Answers with `PID MOST`; at /hold it says so and waits for the file `go`; /late answers 30 ms later. */
export const app = `
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
let now = 0
let most = 0
export default async function app(req, res) {
  now += 1
  most = Math.max(most, now)
  if (most > 1) console.log('an overlap: ' + most)
  if (req.url.startsWith('/hold')) {
    console.log('holding ' + req.url + ' in ' + process.pid)
    while (!existsSync('go')) await sleep(10)
  }
  if (req.url.startsWith('/late')) await sleep(30)
  if (req.url === '/body') for await (const _ of req);
  console.log('done with ' + req.url)
  now -= 1
  res.end(process.pid + ' ' + most)
}
`

/** Serves it by a server that it makes itself, on a port that it chooses. */
export function listening(port: number): string {
  return `${app.replace('export default ', '')}
import http from 'node:http'
http.createServer(app).listen(${port}, '127.0.0.1')
`
}
