/**
 * How long clients of `metrics_bind` hold up the loop of the arbiter, and what they cost it:
 *
 *     node scripts/bench/admin.ts [--clients 10000] [--seconds 10] [--rounds 3] [--series 0]
 *
 * Prints a table in Markdown: for each kind of client the longest turn of the loop, the 99.9th percentile of all turns,
 * and the growth of resident memory, medians of all rounds. Turns are measured in processor time of the arbiter's main
 * thread: how long it waits for a core depends on the machine. With `--series`, the app of each worker measures so many
 * series of its own (`app_metrics`). Needs Node 24.
 */
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { launch, makeFolder } from '../../test/support/tsicorn.ts'
import { freePort } from '../free-port.ts'

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    series: { type: 'string', default: '0' },
  },
})
const clients = Number(values.clients)
const seconds = Number(values.seconds)
const series = Number(values.series)
const get = 'GET /metrics HTTP/1.1\r\nHost: bench\r\n\r\n'

const plainApp = `export default (req, res) => res.end('hello')`

const measuringApp = `
  import { Counter } from '${import.meta.resolve('prom-client')}'
  const made = new Counter({ name: 'shop_orders_total', help: 'Orders', labelNames: ['product'] })
  for (let product = 0; product < ${series}; product += 1) made.inc({ product: 'product ' + product })
  ${plainApp}`

interface Figures {
  readonly max: number
  readonly p999: number
  readonly grown: number
}

/** What clients do; the returned function ends them. */
type Behaviour = (port: number) => () => void

const behaviours: Readonly<Record<string, Behaviour>> = {
  'no clients': () => () => undefined,
  'one that asks again and again': port => repeat(port, 1),
  '24 that ask again and again': port => repeat(port, 24),
  [`${clients} that ask and never read`]: port => crowd(port, socket => socket.pause().write(get)),
  [`${clients} that send a byte each second`]: port =>
    crowd(port, socket => {
      let sent = 0
      const timer = setInterval(() => socket.write(get[sent++ % get.length] as string), 1_000)
      socket.once('close', () => clearInterval(timer))
    }),
}

const results = new Map<string, Figures[]>()
for (let round = 1; round <= Number(values.rounds); round += 1) {
  for (const [name, behave] of Object.entries(behaviours)) {
    const figures = await measure(behave)
    console.error(`Round ${round}: ${name}: ${JSON.stringify(figures)}`)
    results.set(name, [...(results.get(name) ?? []), figures])
  }
}
console.log('| clients | longest turn, ms | p99.9, ms | memory, MiB |')
console.log('| --- | ---: | ---: | ---: |')
for (const [name, rounds] of results) {
  const cell = (field: keyof Figures) => median(rounds.map(figures => figures[field])).toFixed(1)
  console.log(`| ${name} | ${cell('max')} | ${cell('p999')} | ${cell('grown')} |`)
}
process.exit()

async function measure(behave: Behaviour): Promise<Figures> {
  const port = await freePort()
  const folder = makeFolder({
    'app.mjs': series === 0 ? plainApp : measuringApp,
    'tsicorn.config.mjs': `
      const turns = []
      let rss = 0
      export default {
        bind: '127.0.0.1:0',
        workers: 2,
        metrics_bind: '127.0.0.1:${port}',
        app_metrics: ${series > 0},
        when_ready() {
          let last
          setTimeout(() => {
            rss = process.memoryUsage.rss()
            setInterval(() => {
              const { user, system } = process.threadCpuUsage()
              const now = (user + system) / 1_000
              if (last !== undefined) turns.push(now - last)
              last = now
            }, 1).unref()
          }, 1_000).unref()
        },
        on_exit({ log }) {
          turns.sort((a, b) => a - b)
          const grown = (process.memoryUsage.rss() - rss) / 2 ** 20
          const p999 = turns[Math.floor(turns.length * 0.999)]
          log.info('Figures: ' + JSON.stringify({ max: turns.at(-1), p999, grown }))
        },
      }`,
  })
  const server = launch({ folder, args: ['./app.mjs'] })
  await server.running()
  await sleep(1_500)
  const end = behave(port)
  await sleep(seconds * 1_000)
  const figures = server.says(/Figures: (.*)/)
  server.signal('SIGTERM')
  await server.ended
  end()
  return JSON.parse((await figures)[1] as string)
}

/** Each has one request under way at all times. */
function repeat(port: number, count: number): () => void {
  let isOver = false
  const sockets = Array.from({ length: count }, () => {
    const socket = net.connect(port, '127.0.0.1')
    const ask = () => !isOver && socket.write(get)
    let text = ''
    socket.setEncoding('latin1').on('data', piece => {
      text += piece
      const length = Number(/Content-Length: (\d+)/i.exec(text)?.[1])
      if (!(text.length >= text.indexOf('\r\n\r\n') + 4 + length)) return
      text = ''
      ask()
    })
    socket.on('error', () => undefined).once('connect', ask)
    return socket
  })
  return () => {
    isOver = true
    for (const socket of sockets) socket.destroy()
  }
}

/** As many as asked for at all times: those that the server closes come again. */
function crowd(port: number, behave: (socket: net.Socket) => void): () => void {
  let isOver = false
  const sockets = new Set<net.Socket>()
  const open = () => {
    const socket = net.connect(port, '127.0.0.1')
    sockets.add(socket)
    socket.once('connect', () => behave(socket)).on('error', () => undefined)
    socket.once('close', () => {
      sockets.delete(socket)
      if (!isOver) setTimeout(open, 1_000)
    })
  }
  for (let opened = 0; opened < clients; opened += 1) setTimeout(open, (opened / clients) * 1_000)
  return () => {
    isOver = true
    for (const socket of sockets) socket.destroy()
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number
}
