/** The app of the loss harness, with every kind of response that a drain must not cut. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocketServer } from 'ws'
import { monotonicNow } from '../../worker/protocol/scoreboard.ts'
import { bodyLength, bodyOf } from './client/pattern.ts'

const pieces = 8
const pieceMs = 25

export default async function app(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const url = new URL(req.url ?? '/', 'http://loss')
  const body = bodyOf(Number(url.searchParams.get('id')))
  res.setHeader('X-Worker', process.pid)
  if (url.pathname === '/slow') await sleep(Number(url.searchParams.get('ms')))
  res.setHeader('X-Sent', monotonicNow())
  switch (url.pathname) {
    case '/echo':
      return echo(req, res)
    case '/stream':
      return await stream(res, body)
  }
  res.setHeader('Content-Length', bodyLength)
  res.end(body)
}

const sockets = new WebSocketServer({ noServer: true })

/** Each message is the path of a request. */
export function upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
  sockets.handleUpgrade(req, socket, head, client => {
    client.on('message', path => {
      const { searchParams } = new URL(String(path), 'http://loss')
      client.send(bodyOf(Number(searchParams.get('id'))))
    })
  })
}

function echo(req: IncomingMessage, res: ServerResponse): void {
  const parts: Buffer[] = []
  req.on('data', part => parts.push(part))
  req.on('end', () => res.end(Buffer.concat(parts)))
}

async function stream(res: ServerResponse, body: Buffer): Promise<void> {
  const step = body.length / pieces
  for (let from = 0; from < body.length; from += step) {
    res.write(body.subarray(from, from + step))
    await sleep(pieceMs)
  }
  res.end()
}
