/** How the metrics of the app, from several workers, become those of the server. */
import { expect } from 'chai'
import { readFamilies } from '../../../daemon/metrics/app-families.ts'
import { AppMetrics } from '../../../daemon/metrics/app-metrics.ts'
import { mostAsked } from '../../../daemon/metrics/asking.ts'
import { exposition, type Family, withoutNamesOf } from '../../../daemon/metrics/exposition.ts'
import { longestSeries, mostSeries } from '../../../daemon/metrics/known-series.ts'
import { atOnce, inTurns, type Steps } from '../../../daemon/system/steps.ts'
import type { AppFamily } from '../../../worker/protocol/app-metrics.ts'
import { mostPerTurn } from '../most-per-turn.ts'

function family(fields: Partial<AppFamily> & { readonly value?: number } = {}): AppFamily {
  const { value = 1, ...rest } = fields
  const name = rest.name ?? 'made'
  return {
    name,
    help: '',
    type: 'counter',
    combination: 'sum',
    samples: [{ name, labels: {}, value }],
    ...rest,
  }
}

/** What a worker has said. */
function said(age: number, turn: number, families: readonly unknown[], done: () => void = () => undefined) {
  return { age, text: JSON.stringify({ type: 'metrics', turn, families, isLast: true }), done }
}

/** Workers that answer what is said here, by age. */
async function heard(
  metrics: AppMetrics,
  answers: ReadonlyMap<number, readonly unknown[]>,
): Promise<Readonly<Record<string, number>>> {
  const workers = Array.from(answers, ([age, families]) => ({
    age,
    state: 'ready' as const,
    send: (message: { readonly type: string; readonly turn?: number }) => {
      metrics.hear(said(age, message.turn as number, families))
    },
  }))
  await metrics.measure(workers)
  await metrics.settled()
  const lines = atOnce(exposition(atOnce(metrics.families()), 'prometheus'))
    .join('')
    .split('\n')
  const samples = lines.filter(line => line !== '' && !line.startsWith('#')).map(line => line.split(' '))
  return Object.fromEntries(samples.map(([name, value]) => [name, Number(value)]))
}

describe('the metrics of an app', () => {
  it('add up counters, also those of workers that have ended', async () => {
    const metrics = new AppMetrics()
    expect(
      await heard(
        metrics,
        new Map([
          [1, [family({ value: 3 })]],
          [2, [family({ value: 4 })]],
        ]),
      ),
    ).to.deep.equal({
      made: 7,
    })
    metrics.end(1)
    expect(
      await heard(
        metrics,
        new Map([
          [2, [family({ value: 6 })]],
          [3, [family({ value: 1 })]],
        ]),
      ),
    ).to.deep.equal({
      made: 10,
    })
  })

  it('take a counter that falls for one that began again', async () => {
    const metrics = new AppMetrics()
    await heard(metrics, new Map([[1, [family({ value: 9 })]]]))
    expect(await heard(metrics, new Map([[1, [family({ value: 2 })]]]))).to.deep.equal({ made: 11 })
    // The registry was cleared: the metric is not there any more.
    expect(await heard(metrics, new Map([[1, []]]))).to.deep.equal({ made: 11 })
    metrics.end(1)
    expect(await heard(metrics, new Map([[2, [family({ value: 1 })]]]))).to.deep.equal({ made: 12 })
  })

  it('combine gauges as they ask for', async () => {
    const of = (value: number) =>
      (['sum', 'first', 'min', 'max', 'average', 'omit'] as const).map(combination =>
        family({ name: combination, type: 'gauge', combination, value }),
      )
    const metrics = new AppMetrics()
    expect(
      await heard(
        metrics,
        new Map([
          [1, of(5)],
          [2, of(-1)],
          [3, of(2)],
        ]),
      ),
    ).to.deep.equal({
      sum: 6,
      first: 5,
      min: -1,
      max: 5,
      average: 2,
    })
    metrics.end(1)
    expect((await heard(metrics, new Map([[2, of(-1)]]))).sum).to.equal(1)
  })

  it('go on in another arbiter', async () => {
    const old = new AppMetrics()
    await heard(
      old,
      new Map([
        [1, [family({ value: 3 })]],
        [2, [family({ name: 'shown', type: 'gauge' })]],
      ]),
    )
    const young = new AppMetrics()
    atOnce(young.inherit(JSON.parse(JSON.stringify(atOnce(old.counters())))))
    expect(await heard(young, new Map([[1, [family({ value: 4 })]]]))).to.deep.equal({ made: 7 })
  })

  it('go on in another arbiter with all that ended workers have left, which is more than one worker may have', async () => {
    const samples = Array.from({ length: 12_000 }, (_, id) => ({
      name: 'made',
      labels: { id: `${id}` },
      value: 1,
    }))
    const young = new AppMetrics()
    atOnce(young.inherit([family({ samples })]))
    expect(atOnce(young.counters()).flatMap(one => one.samples)).to.have.lengthOf(12_000)
  })

  it('hear only what was asked for, and last words', async () => {
    const metrics = new AppMetrics()
    await heard(metrics, new Map([[1, [family({ value: 3 })]]]))
    for (const turn of [-1, 0.5, 7, Number.NaN]) metrics.hear(said(1, turn, [family({ value: 50 })]))
    metrics.hear(said(1, 0, [family({ value: 4 })]))
    metrics.end(1)
    expect(await heard(metrics, new Map())).to.deep.equal({ made: 4 })
  })

  it('are not waited for where a worker never answers', async () => {
    const metrics = new AppMetrics()
    await metrics.measure([{ age: 1, state: 'ready', send: () => undefined }])
    expect(atOnce(metrics.families())).to.deep.equal([])
  })

  it('have no names that are taken', () => {
    const own = [{ name: 'taken', help: '', type: 'counter' as const, samples: [] }]
    const given = ['taken', 'taken_total', 'free'].map(name => ({ ...family({ name }), given: [] }))
    expect(withoutNamesOf(own, given).map(({ name }) => name)).to.deep.equal(['free'])
  })

  it('have no names that are taken by parts of others, in either format', () => {
    const own: readonly Family[] = [
      { name: 'took', help: '', type: 'histogram', histogram: { buckets: [], count: 0, sum: 0 } },
    ]
    const given = [
      { ...family({ name: 'took_count', type: 'gauge' }), given: [] },
      { ...family({ name: 'jobs_total' }), given: [] },
      { ...family({ name: 'jobs', type: 'gauge' }), given: [] },
      { ...family({ name: 'sizes', type: 'histogram' }), given: [] },
      { ...family({ name: 'sizes_sum' }), given: [] },
    ]
    expect(withoutNamesOf(own, given).map(({ name }) => name)).to.deep.equal(['jobs_total', 'sizes'])
  })

  it('are histograms whose buckets add up, also where workers have different ones', async () => {
    const metrics = new AppMetrics()
    const histogram = (counts: Readonly<Record<string, number>>) => {
      const buckets = Object.entries(counts).map(([le, value]) => ({
        name: 'took_bucket',
        labels: { le },
        value,
      }))
      const { value: count = 0 } = buckets.at(-1) ?? {}
      const others = ['took_sum', 'took_count'].map(name => ({ name, labels: {}, value: count }))
      return [family({ name: 'took', type: 'histogram', samples: [...buckets, ...others] })]
    }
    await heard(metrics, new Map([[1, histogram({ 1: 100, 5: 100, '+Inf': 103 })]]))
    metrics.end(1)
    const whole = { 'took_bucket{le="1"}': 100, 'took_bucket{le="2"}': 150, 'took_bucket{le="5"}': 150 }
    const rest = { 'took_bucket{le="+Inf"}': 160, took_sum: 160, took_count: 160 }
    const shown = await heard(metrics, new Map([[2, histogram({ 2: 50, '+Inf': 57 })]]))
    expect(shown).to.deep.equal({ ...whole, ...rest })
    expect(Object.keys(shown)).to.deep.equal(Object.keys({ ...whole, ...rest }))
    const young = new AppMetrics()
    atOnce(young.inherit(JSON.parse(JSON.stringify(atOnce(metrics.counters())))))
    const again = await heard(young, new Map([[1, histogram({ 2: 1, '+Inf': 1 })]]))
    expect(again).to.include({ 'took_bucket{le="1"}': 100, 'took_bucket{le="2"}': 151, took_count: 161 })
  })

  it('are checked: nothing but metrics is left', () => {
    const sample = { name: 'made', labels: {}, value: 1 }
    const bad = [
      undefined,
      null,
      5,
      'text',
      [],
      {},
      family({ name: '0day' }),
      family({ name: 'new\nline 1' }),
      family({ name: 'n'.repeat(201) }),
      family({ help: 'h'.repeat(1_001) }),
      { ...family(), type: 'untyped' },
      { ...family(), combination: 'concat' },
      { ...family(), samples: 'many' },
    ]
    expect([...readFamilies(bad)]).to.deep.equal([])
    const samples = [
      sample,
      null,
      { ...sample, name: 'other' },
      { ...sample, name: undefined },
      { ...sample, value: '1' },
      { ...sample, value: null },
      { ...sample, value: -1 },
      { ...sample, labels: { 'a b': 'c' } },
      { ...sample, labels: { a: 5 } },
      { ...sample, labels: { a: 'x'.repeat(501) } },
      { ...sample, labels: Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`a${index}`, ''])) },
    ] as unknown as AppFamily['samples']
    const [read] = readFamilies([family({ samples })])
    expect(read?.family).to.deep.equal(family({ samples: [] }))
    expect([...(read?.samples ?? [])].filter(one => one !== undefined)).to.deep.equal([sample])
  })

  it('are bounded, however many labels an app makes up', async () => {
    const metrics = new AppMetrics()
    for (let age = 1; age <= 10; age += 1) {
      const samples = Array.from({ length: 5_000 }, (_, index) => ({
        name: 'made',
        labels: { id: `${age}-${index}` },
        value: 1,
      }))
      await heard(metrics, new Map([[age, [family({ samples })]]]))
      metrics.end(age)
    }
    await metrics.settled()
    expect(atOnce(metrics.counters()).flatMap(({ samples }) => samples)).to.have.lengthOf(20_000)
  })

  it('are bounded over all living workers, and that is said once', async () => {
    const reports: string[] = []
    const metrics = new AppMetrics(text => reports.push(text))
    const answers = Array.from({ length: 10 }, (_, age) => {
      const samples = Array.from({ length: 5_000 }, (_, id) => ({
        ...{ name: 'made', labels: { id: `${age}-${id}` }, value: 1 },
      }))
      return [age, [family({ samples })]] as const
    })
    await heard(metrics, new Map(answers))
    expect(atOnce(metrics.counters()).flatMap(({ samples }) => samples)).to.have.lengthOf(mostSeries)
    expect(reports).to.have.length(1)
    // Those that are gone make room for others.
    for (const [age] of answers) metrics.end(age)
    const gauge = family({ name: 'shown', type: 'gauge', value: 3 })
    expect(await heard(metrics, new Map([[11, [gauge]]]))).to.include({ shown: 3 })
  })

  it('have a bounded length over all workers', () => {
    const metrics = new AppMetrics()
    const labels = (id: number) =>
      Object.fromEntries(Array.from({ length: 32 }, (_, at) => [`l${at}`, `${id}`.padEnd(500)]))
    const samples = Array.from({ length: 1_000 }, (_, id) => ({ name: 'made', labels: labels(id), value: 1 }))
    atOnce(metrics.inherit([family({ samples })]))
    const kept = atOnce(metrics.counters()).flatMap(one => one.samples)
    expect(kept.length).to.be.within(100, longestSeries / (32 * 500))
  })

  it('are read a few in a turn, however many workers answer at the same time', async () => {
    const metrics = new AppMetrics()
    const samples = Array.from({ length: 2_000 }, (_, id) => ({
      name: 'made',
      labels: { id: `${id}` },
      value: 1,
    }))
    let read = 0
    for (let age = 1; age <= 40; age += 1)
      metrics.hear(
        said(age, 0, [family({ samples })], () => {
          read += 1
        }),
      )
    expect(read).to.equal(0)
    expect(await mostPerTurn(() => read, metrics.settled())).to.be.within(1, 5)
  })

  it('of a worker that ends in the moment when all others are read are those of an ended one', async () => {
    const metrics = new AppMetrics()
    metrics.hear(said(1, 0, [family({ type: 'gauge' })]))
    await metrics.settled()
    expect(atOnce(metrics.families())).to.have.length(1)
    const end = function* (): Steps<void> {
      metrics.end(1)
      yield
    }
    // Has its turn right before the other work.
    metrics.end(2)
    await inTurns(end())
    await metrics.settled()
    expect(atOnce(metrics.families())).to.deep.equal([])
  })

  it('are asked of a few workers at a time, and last of those that have not answered', async () => {
    const metrics = new AppMetrics()
    const answered = new Set<number>()
    let [asked, order] = [0, [] as number[]]
    const workers = Array.from({ length: 200 }, (_, age) => ({
      age,
      state: 'ready' as const,
      send: (message: { readonly type: string; readonly turn?: number }) => {
        asked += 1
        order.push(age)
        // Ten are stuck.
        if (age < 10) return
        answered.add(age)
        metrics.hear(said(age, message.turn as number, []))
      },
    }))
    const first = metrics.measure(workers)
    expect(asked).to.equal(mostAsked)
    await first
    expect(answered.size).to.equal(190)
    order = []
    await metrics.measure(workers)
    expect(order.slice(-10)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })
})
