/** The half of every app that serves honest clients: as the app of the loss harness does, and never surprised. */
import { WebSocketServer } from 'ws'
import loss from '../../../scripts/loss/app.ts'
import { bodyOf } from '../../../scripts/loss/pattern.ts'

// What is in use is what is measured.
const collect = globalThis.gc
if (collect !== undefined) setInterval(collect, 1_000).unref()

/** Whether this is asked by an honest client. */
export function isHonest(url) {
  return /^\/(?:body|slow|stream|echo|unread)\?id=\d+(?:&ms=\d+)?$/.test(url ?? '')
}

/** Answers an honest client. */
export const answer = loss

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
