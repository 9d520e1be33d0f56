/** A process full of clients, controlled by the harness: `node client.ts ORDER`, with the order as JSON. */
import { watchStandstill } from '../standstill.ts'
import type { ClientOrder, FromClient, ToClient } from './client-messages.ts'
import { kindNamed } from './kinds.ts'
import { createRandom } from './random.ts'
import { Requester, type RequesterParts } from './requester.ts'

/** How often the number of answered requests is reported to the harness, in milliseconds. */
const reportMs = 200

/** How long the previous answer may have waited in the kernel before it was read, in milliseconds. */
const shortlyMs = 3_000

const standstill = watchStandstill()
const order = JSON.parse(process.argv[2] as string) as ClientOrder
const counts = new Map<string, number>()
let lastId = order.firstId - 1
const parts: RequesterParts = {
  order,
  random: createRandom(order.seed),
  nextId: () => {
    lastId += 1
    return lastId
  },
  onAnswered: kind => counts.set(kind, (counts.get(kind) ?? 0) + 1),
  onFailed: failure => {
    const heldUp = standstill(failure.began - shortlyMs)
    say({ type: 'failed', failure: { ...failure, heldUp } })
  },
}
const requesters = order.kinds.map(name => new Requester(name, kindNamed(name), parts))

process.on('message', (message: ToClient) => {
  switch (message.type) {
    case 'hold':
    case 'go on':
      for (const requester of requesters) requester.hold(message.type === 'hold')
      return
    case 'stop':
      for (const requester of requesters) requester.stop()
      return
    case 'server stops':
      for (const requester of requesters) requester.warn()
      report()
      return say({ type: 'warned' })
  }
})
// Without the harness, the counts would be lost.
process.once('disconnect', () => process.exit())

const timer = setInterval(report, reportMs)
await Promise.all(requesters.map(requester => requester.run()))
clearInterval(timer)
report()
process.disconnect()

function report(): void {
  say({ type: 'answered', counts: Object.fromEntries(counts) })
  counts.clear()
}

function say(message: FromClient): void {
  process.send?.(message)
}
