/** What the threads of a worker have measured becomes what the worker has measured. */
import { expect } from 'chai'
import type { AppFamily } from '../../../worker/protocol/app-metrics.ts'
import { join } from '../../../worker/threads/joined-metrics.ts'

function family(
  name: string,
  combination: AppFamily['combination'],
  ...values: readonly (readonly [labels: AppFamily['samples'][number]['labels'], value: number])[]
): AppFamily {
  const samples = values.map(([labels, value]) => ({ name, labels, value }))
  return { name, help: name, type: 'gauge', combination, samples }
}

function valuesOf(families: readonly AppFamily[]): readonly unknown[] {
  return families.flatMap(({ samples }) =>
    samples.map(({ name, labels, value }) => [name, Object.values(labels).join(), value]),
  )
}

describe('metrics of several threads', () => {
  it('are added up for each combination of labels, whatever their order', () => {
    const one = [family('asked', 'sum', [{ a: 'x', b: 'y' }, 1], [{ a: 'z', b: 'y' }, 2])]
    const other = [family('asked', 'sum', [{ b: 'y', a: 'x' }, 4]), family('more', 'sum', [{}, 8])]
    expect(valuesOf(join([one, other]))).to.deep.equal([
      ['asked', 'x,y', 5],
      ['asked', 'z,y', 2],
      ['more', '', 8],
    ])
  })

  for (const [combination, expected] of [
    ['sum', 9],
    ['first', 3],
    ['min', 1],
    ['max', 5],
    ['average', 3],
  ] as const)
    it(`are combined by ${combination}`, () => {
      const threads = [3, 1, 5].map(value => [family('depth', combination, [{}, value])])
      expect(valuesOf(join(threads))).to.deep.equal([['depth', '', expected]])
    })

  it('about the process count once, with any prefix', () => {
    for (const name of ['process_open_fds', 'my_process_cpu_seconds_total', 'process_resident_memory_bytes'])
      expect(valuesOf(join([[family(name, 'sum', [{}, 7])], [family(name, 'sum', [{}, 8])]]))).to.deep.equal([
        [name, '', 8],
      ])
    const own = [[family('my_process_steps', 'sum', [{}, 7])], [family('my_process_steps', 'sum', [{}, 8])]]
    expect(valuesOf(join(own))).to.deep.equal([['my_process_steps', '', 15]])
  })

  it('that come in several parts are one family', () => {
    const parts = [family('took', 'sum', [{ le: '1' }, 1]), family('took', 'sum', [{ le: '2' }, 2])]
    const joined = join([parts, parts])
    expect(joined).to.have.length(1)
    expect(valuesOf(joined)).to.deep.equal([
      ['took', '1', 2],
      ['took', '2', 4],
    ])
  })
})
