/** The half of every app that serves honest clients: as the app of the loss harness does, and never surprised. */
import { WebSocketServer } from 'ws'
import loss from '../../../test/loss/app.ts'
import { bodyOf } from '../../../test/loss/client/pattern.ts'

// What is in use is what is measured.
const collect = globalThis.gc
if (collect !== undefined) setInterval(collect, 1_000).unref()

/** What is in use, in bytes: resident memory also has what the allocator keeps for later. */
export function memoryInUse() {
  collect?.()
  const { heapUsed, external } = process.memoryUsage()
  return String(heapUsed + external)
}

/** Whether this is asked by an honest client, or by the census. */
export function isHonest(url) {
  return url === '/memory' || /^\/(?:body|slow|stream|echo|unread)\?id=\d+(?:&ms=\d+)?$/.test(url ?? '')
}

/** Answers an honest client. */
export async function answer(req, res) {
  if (req.url !== '/memory') return await loss(req, res)
  res.setHeader('X-Worker', process.pid)
  res.end(`${process.pid} ${memoryInUse()}`)
}

const sockets = new WebSocketServer({ noServer: true, maxPayload: 65_536 })

/** Each message is the path of a question, where the client is honest; any other is answered as it came. */
export function upgrade(req, socket, head) {
  sockets.handleUpgrade(req, socket, head, client => {
    client.on('error', () => undefined)
    client.on('message', (data, isBinary) => {
      const [, id] = /^\/body\?id=(\d+)$/.exec(String(data)) ?? []
      client.send(id === undefined ? data : bodyOf(Number(id)), { binary: id !== undefined || isBinary })
    })
  })
}
