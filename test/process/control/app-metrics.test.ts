/** What an app measures itself with `prom-client`, added up by real servers. */
import { spawnSync } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import http from 'node:http'
import { text as bodyOf } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { eventually, freePort, launch, makeFolder, type Tsicorn } from '../../support/tsicorn.ts'
import { control } from '../../support/tsicornc.ts'

const app = `
const orders = new prom.Counter({ name: 'shop_orders_total', help: 'Orders "placed"\\nsince', labelNames: ['country'] })
const sizes = new prom.Histogram({ name: 'shop_size', help: 'Sizes', buckets: [1, 10] })
const took = new prom.Summary({ name: 'shop_took', help: 'Time' })
new prom.Gauge({ name: 'shop_carts', help: 'Carts' }).set(2)
new prom.Gauge({ name: 'shop_age', help: 'Age', aggregator: 'average' }).set(7)
new prom.Gauge({ name: 'shop_secret', help: 'Secret', aggregator: 'omit' }).set(7)
new prom.Gauge({ name: 'tsicorn_generation', help: 'Not that of tsicorn' }).set(99)
prom.collectDefaultMetrics()
export default (req, res) => {
  if (req.url === '/exit') process.exit(1)
  if (req.url === '/hang') for (;;);
  orders.inc({ country: 'a"\\\\\\nb' })
  sizes.observe(5)
  took.observe(1)
  res.end('hello')
}`

const imports = {
  'by import': `import prom from 'prom-client'`,
  'by require': `import { createRequire } from 'node:module'\nconst prom = createRequire(import.meta.url)('prom-client')`,
}

async function get(url: string, headers: http.OutgoingHttpHeaders = {}): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>()
  http.get(url, { agent: false, headers }, resolve).once('error', reject)
  return await bodyOf(await promise)
}

interface Shop {
  readonly server: Tsicorn
  readonly url: string
  /** Its samples, by name and labels. */
  readonly look: () => Promise<Map<string, number>>
  readonly metrics: string
}

async function open(how: keyof typeof imports): Promise<Shop> {
  const port = await freePort()
  const metrics = `http://127.0.0.1:${port}/metrics`
  const folder = makeFolder({ 'app.mjs': `${imports[how]}\n${app}` })
  symlinkSync(
    fileURLToPath(new URL('../../../node_modules/prom-client', import.meta.url)),
    `${folder}/node_modules/prom-client`,
  )
  const args = [
    '-b',
    '127.0.0.1:0',
    '-w',
    '2',
    '--metrics-bind',
    `127.0.0.1:${port}`,
    '--app-metrics',
    '--graceful-timeout=1',
    './app.mjs',
  ]
  const server = launch({ args, folder, errors: true })
  const url = await server.running()
  return { server, url, metrics, look: async () => samplesOf(await get(metrics)) }
}

function samplesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

const ordersKey = 'shop_orders_total{country="a\\"\\\\\\nb"}'

describe('metrics of the app', () => {
  for (const how of Object.keys(imports) as (keyof typeof imports)[]) {
    it(`are added up, where prom-client is loaded ${how}`, async () => {
      const { url, look, metrics } = await open(how)
      for (let asked = 0; asked < 10; asked += 1) await get(url)
      const samples = await look()
      expect(samples.get(ordersKey)).to.equal(10)
      expect(samples.get('shop_size_bucket{le="1"}')).to.equal(0)
      expect(samples.get('shop_size_bucket{le="10"}')).to.equal(10)
      expect(samples.get('shop_size_bucket{le="+Inf"}')).to.equal(10)
      expect(samples.get('shop_size_sum')).to.equal(50)
      expect(samples.get('shop_took_count')).to.equal(10)
      expect(samples.get('shop_carts')).to.equal(4)
      expect(samples.get('shop_age')).to.equal(7)
      expect(samples.get('tsicorn_generation')).to.equal(1)
      expect([...samples.keys()].filter(name => /secret|quantile/.test(name))).to.deep.equal([])
      expect(samples.get('nodejs_heap_size_total_bytes')).to.be.greaterThan(0)
      const text = await get(metrics)
      for (const name of text.match(/^# TYPE \S+/gm) ?? [])
        expect(text.split(`${name} `), name).to.have.lengthOf(2)
      const strict = await get(metrics, { accept: 'application/openmetrics-text' })
      expect(strict).to.match(/^# TYPE shop_orders counter\nshop_orders_total\{/m)
    })
  }

  it('are what promtool accepts', async function () {
    if (spawnSync('promtool', ['--version']).error) this.skip()
    const { url, metrics } = await open('by import')
    await get(url)
    const { stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: await get(metrics),
      encoding: 'utf8',
    })
    // It dislikes names that are the app's choice, and those of Node's own metrics.
    const said = `${stdout}${stderr}`
      .split('\n')
      .filter(line => line !== '' && !/^(nodejs|process)_/.test(line))
    expect(said).to.deep.equal([])
  })

  it('count on over a crash, a reload and an upgrade', async () => {
    const { server, url, look } = await open('by import')
    let before = 0
    const orders = async () => {
      const now = (await look()).get(ordersKey) ?? 0
      expect(now).to.be.at.least(before)
      before = now
      return now
    }
    for (let asked = 0; asked < 6; asked += 1) await get(url)
    expect(await orders()).to.equal(6)
    await get(`${url}/exit`).catch(() => undefined)
    await server.says(/exited with code 1/)
    expect(await orders()).to.equal(6)
    await get(url)
    // Nobody asks before it ends: a worker that drains has the last word.
    expect((await control(server, 'reload')).code).to.equal(0)
    await eventually('the last words are counted', async () => (await orders()) === 7)
    await get(url)
    await eventually('the new workers are counted', async () => (await orders()) === 8)
    expect((await control(server, 'upgrade', '--bake', '0')).code).to.equal(0)
    await server.says(/Promoted/)
    await get(url)
    await eventually('the new arbiter goes on', async () => {
      return (await look().catch(() => new Map<string, number>())).get(ordersKey) === 9
    })
  })

  it('are those of the last answer, where a worker is stuck', async () => {
    const { url, look } = await open('by import')
    for (let asked = 0; asked < 6; asked += 1) await get(url)
    expect((await look()).get(ordersKey)).to.equal(6)
    get(`${url}/hang`).catch(() => undefined)
    await eventually('the other worker is asked', async () => {
      // What the stuck worker accepts is not answered.
      get(url).catch(() => undefined)
      return ((await look()).get(ordersKey) ?? 0) >= 7
    })
  })

  it('are bounded, with a word in the log, and no histogram is cut into pieces', async () => {
    const port = await freePort()
    const folder = makeFolder({
      'app.mjs': `${imports['by import']}
        const sizes = new prom.Histogram({ name: 'sizes', help: 'Sizes', labelNames: ['id'], buckets: [1, 10] })
        for (let id = 0; id < 1_001; id += 1) sizes.observe({ id }, 5)
        export default (req, res) => res.end()`,
    })
    symlinkSync(
      fileURLToPath(new URL('../../../node_modules/prom-client', import.meta.url)),
      `${folder}/node_modules/prom-client`,
    )
    const args = ['-b', '127.0.0.1:0', '--metrics-bind', `127.0.0.1:${port}`, '--app-metrics', './app.mjs']
    const server = launch({ folder, args })
    await server.running()
    let text = ''
    await eventually('it was measured', async () => {
      text = await get(`http://127.0.0.1:${port}/metrics`)
      return text.includes('sizes_count')
    })
    await server.says(/The app measures too much: 5 samples beyond 5000 are left out of its metrics/)
    for (const part of ['bucket{le="+Inf",', 'sum{', 'count{'])
      expect(text.split(`\nsizes_${part}`), part).to.have.lengthOf(1_001)
  })

  it('need an address', async () => {
    const server = launch({ args: ['--app-metrics', './app.mjs'], files: { 'app.mjs': '' }, errors: true })
    await server.says(/app_metrics needs metrics_bind, where they are served/)
    expect((await server.ended).code).to.equal(1)
  })
})
