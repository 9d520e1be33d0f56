/**
 * Measures what one bad route costs ordinary requests, beside PM2: the route ends workers, and the requests wait for
 * them.
 *
 *     npm run poison -- [--seconds 45] [--every 3] [--pm2 7.0.4] [--json]
 *
 * Two servers run the same app with two workers each, at the same time. PM2 comes from npm into a temporary folder. The
 * result, a table in Markdown or JSON, goes to standard output. Exits with 1 if more ordinary requests timed out than
 * with PM2.
 */
import { parseArgs } from 'node:util'
import { load, type Tally } from './poison/load.ts'
import { installPm2, type RunningServer, startTsicorn } from './poison/servers.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '45' },
    every: { type: 'string', default: '3' },
    pm2: { type: 'string', default: '7.0.4' },
    json: { type: 'boolean', default: false },
  },
})

interface Row extends Tally {
  readonly route: string
  readonly server: string
}

const rows: Row[] = []
console.error(`Installing PM2 ${values.pm2}`)
const pm2 = await installPm2(values.pm2)
try {
  for (const route of ['/throw', '/reject']) {
    console.error(`${route} every ${values.every} s for ${values.seconds} s`)
    rows.push(...(await compare(route)))
  }
} finally {
  pm2.remove()
}
console.log(values.json ? JSON.stringify({ node: process.version, rows }) : tableOf(rows))
process.exitCode = rows.some((row, at) => at % 2 === 0 && row.timedOut > (rows[at + 1]?.timedOut ?? 0))
  ? 1
  : 0

async function compare(route: string): Promise<Row[]> {
  const running: RunningServer[] = []
  try {
    for (const start of [startTsicorn, pm2.start]) running.push(await start())
    const options = { poison: route, seconds: number('seconds'), everyMs: 50, patienceMs: 3_000 }
    const tallies = await Promise.all(
      running.map(({ port }) => load({ ...options, port, poisonEveryMs: number('every') * 1_000 })),
    )
    return tallies.map((tally, at) => ({
      route,
      server: at === 0 ? 'tsicorn' : `PM2 ${pm2.version}`,
      ...tally,
    }))
  } finally {
    for (const server of running) await server.stop()
  }
}

function tableOf(all: readonly Row[]): string {
  const lines = all.map(({ route, server, poisoned, requests, served, timedOut, broken, longestMs }) =>
    [route, server, poisoned, requests, served, timedOut, broken, longestMs.toFixed(0)].join(' | '),
  )
  return [
    '| route | server | times | ordinary requests | served | timed out | broken off | longest wait, ms |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...lines.map(line => `| ${line} |`),
  ].join('\n')
}

function number(name: 'seconds' | 'every'): number {
  const value = Number(values[name])
  if (value > 0) return value
  throw new Error(`--${name} is "${values[name]}": give a number of seconds above 0`)
}
