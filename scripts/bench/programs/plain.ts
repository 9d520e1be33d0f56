/** The app of most cases: as small as possible, because the benchmark measures the server around it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { threadId } from 'node:worker_threads'

/** About 10 kB of JSON, made for each request. */
const items = Array.from({ length: 100 }, (_, id) => ({
  id,
  name: `Item ${id}`,
  price: id * 1.25,
  isInStock: id % 3 === 0,
  tags: ['first', 'second', 'third'],
}))
const large = Buffer.alloc(2 ** 20, 'x')
const never = new Int32Array(new SharedArrayBuffer(4))
let requests = 0

export default function app(req: IncomingMessage, res: ServerResponse): void {
  switch (req.url) {
    case '/':
      res.end('hello')
      break
    case '/json':
      res.setHeader('Content-Type', 'application/json')
      res.end(JSON.stringify(items))
      break
    case '/large':
      res.setHeader('Content-Length', large.length)
      res.end(large)
      break
    case '/echo':
      echo(req, res)
      break
    case '/mix':
      requests += 1
      // Two of a hundred block the whole worker, as a synchronous call does that waits for a disk.
      if (requests % 50 === 0) Atomics.wait(never, 0, 0, 50)
      res.end('hello')
      break
    default:
      // Which worker answers.
      res.end(`${process.pid}.${threadId}`)
  }
}

export const listener = app

function echo(req: IncomingMessage, res: ServerResponse): void {
  const chunks: Buffer[] = []
  req.on('data', chunk => chunks.push(chunk))
  req.once('end', () => res.end(Buffer.concat(chunks)))
}
