/** The benchmark counts and prints what it measured, and runs. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect } from 'chai'
import { charts, niceTop } from '../../scripts/bench/growth/chart.ts'
import { firstToBreak } from '../../scripts/bench/growth/first-to-break.ts'
import { markdownTable, withGenerated } from '../../scripts/bench/report/markdown.ts'
import { duration, startProgress } from '../../scripts/bench/report/progress.ts'
import { report } from '../../scripts/bench/report/results.ts'
import { median, percentile, ratios, rotated, spread } from '../../scripts/bench/report/statistics.ts'

describe('the statistics of the benchmark', () => {
  it('take the middle, or what lies between the two in the middle', () => {
    expect(median([30, 1, 2])).to.equal(2)
    expect(median([4, 1, 30, 2])).to.equal(3)
    expect(median([])).to.be.NaN
  })

  it('print the median with the smallest and the largest, and a single number alone', () => {
    expect(spread([3.14, 1, 2], 1)).to.equal('2.0 (1.0-3.1)')
    expect(spread([3.14], 1)).to.equal('3.1')
    expect(spread([], 1)).to.equal('-')
  })

  it('take the percentile by the nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1)
    expect([0.5, 0.99, 0.999].map(part => percentile(hundred, part))).to.deep.equal([50, 99, 100])
    expect(percentile([], 0.5)).to.be.NaN
  })

  it('compare numbers of the same round, and leave out rounds that one has not', () => {
    expect(ratios([10, undefined, 30, 40], [5, 5, undefined, 10])).to.deep.equal([2, 4])
  })

  it('begin each round with another side', () => {
    expect([0, 1, 2, 3].map(round => rotated(['a', 'b', 'c'], round).join(''))).to.deep.equal([
      'abc',
      'bca',
      'cab',
      'abc',
    ])
  })
})

describe('the tables of the benchmark', () => {
  const names = {
    sides: { limit: { title: 'limit' }, tsicorn: { title: 'tsicorn' } },
    cases: {
      plain: { title: 'Plain', figures: ['rate', 'p99'] as const },
      log: { title: 'Log', figures: ['rate'] as const, against: 'plain' },
    },
  }
  const measured = {
    'limit plain': [
      { rate: 100, p99: 1 },
      { rate: 200, p99: 2 },
    ],
    'tsicorn plain': [{ rate: 90 }, { rate: 220, p99: 3 }],
    'tsicorn log': [{ rate: 45 }, { rate: 198 }],
  }
  const text = report(
    {
      sides: ['limit', 'tsicorn'],
      cases: ['plain', 'log'],
      of: (side, theCase) => measured[`${side} ${theCase}` as keyof typeof measured],
    },
    names,
  )

  it('compare with the limit in the same round, and else with the case that is named', () => {
    expect(text).to.include('| tsicorn | 155 (90-220) | 1.00 (0.90-1.10) | 3.00 |')
    expect(text).to.include('| tsicorn | 122 (45-198) | 0.70 (0.50-0.90) |')
    expect(text).to.include('| requests/s | of Plain |')
  })

  it('say - where a side has not got a case', () => {
    expect(text).to.include('| limit | - | - |')
    expect(text).to.include('| Log, of Plain | - | 0.70 |')
  })

  it('align numbers to the right', () => {
    expect(markdownTable(['', 'a'], [['b', '1']])).to.equal('|  | a |\n| --- | ---: |\n| b | 1 |')
  })

  it('replace the part of a page between its markers, and no other', () => {
    const page = 'Before\n\n<!-- begin x -->\n\nold\n\n<!-- end x -->\n\nAfter\n'
    const changed = withGenerated(page, 'x', 'new\n')
    expect(changed).to.equal('Before\n\n<!-- begin x -->\n\nnew\n\n<!-- end x -->\n\nAfter\n')
    expect(withGenerated(changed, 'x', 'old')).to.equal(page)
    expect(() => withGenerated(page, 'y', '')).to.throw('<!-- begin y -->')
  })
})

describe('the progress of the benchmark', () => {
  it('says how long a run takes, and how far it is', () => {
    const said: string[] = []
    const progress = startProgress(200, line => said.push(line))
    progress.done(50, 'first')
    progress.done(150, 'second')
    expect(said[0]).to.equal('This takes about 3 min.')
    expect(said[1]).to.match(/^25 %, \d+ s left: first$/)
    expect(said[2]).to.equal('100 %, 0 s left: second')
  })

  it('gives seconds, minutes and hours', () => {
    expect([59, 600, 7_500].map(duration)).to.deep.equal(['59 s', '10 min', '2 h 5 min'])
  })
})

describe('the growth of the benchmark', () => {
  it('draws a panel for each figure, in colours for light and dark', () => {
    const panels = [
      { title: 'a < b', points: [[1, 10] as const, [100, 40] as const] },
      { title: 'c', points: [[1, 0] as const, [100, 0] as const] },
    ]
    const svg = charts('Workers', 'workers', panels)
    expect(svg).to.include('a &lt; b').and.to.include('prefers-color-scheme: dark')
    expect(svg.match(/<circle/g)).to.have.length(4)
    expect(svg).not.to.include('NaN')
  })

  it('ends the axis at a round number', () => {
    expect([0, 0.3, 1, 7, 41, 1_200].map(niceTop)).to.deep.equal([1, 0.5, 1, 10, 50, 2_000])
  })

  it('names what is used up first, along the last two points', () => {
    const resources = [
      { name: 'memory', used: 'MiB', available: () => 1_000 },
      { name: 'descriptors', used: 'fds', available: () => 500 },
      { name: 'nothing', used: 'none', available: () => 1 },
    ]
    const text = firstToBreak(
      [
        [1, { MiB: 400, fds: 0 }],
        [10, { MiB: 100, fds: 40 }],
        [20, { MiB: 200, fds: 60 }],
      ],
      resources,
    )
    expect(text.split('\n').slice(2)).to.deep.equal([
      '1. memory (MiB): 10.0 for each worker, 1000 at most, which is reached at 100 workers',
      '2. descriptors (fds): 2.00 for each worker, 500 at most, which is reached at 240 workers',
      '3. nothing (none): 0.00 for each worker, 1 at most, which is reached at no number of workers',
    ])
  })
})

describe('npm run bench', () => {
  const script = join(import.meta.dirname, '../../scripts/bench.ts')
  const run = (...args: readonly string[]) =>
    spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' })

  it('starts the chosen sides, and prints what it measured', () => {
    const { stdout, stderr } = run('--sides', 'limit,tsicorn', '--cases', 'start', '--rounds', '1')
    expect(stdout, stderr).to.match(/^\| limit \| \d+ \| 1\.00 \|/m)
    expect(stdout).to.match(/^\| tsicorn \| \d+ \| [\d.]+ \| \d+ \|/m)
    expect(stderr).to.include('This takes about').and.to.include('100 %')
  })

  it('names the sides that there are', () => {
    expect(run('--sides', 'nginx').stderr).to.include('--sides has "nginx": choose from limit, bare, tsicorn')
  })
})
