/** The charts: what each of them shows, and all of them together. */
import { delayText, mebibytes, milliseconds, rateText } from '../control/print/units.ts'
import type { Load } from '../control/top/model.ts'
import { Chart, type ChartSpec } from './chart.ts'
import { byId } from './elements.ts'
import { generationLines, type History, stacked, timesOf, totalLine, workerLines } from './history.ts'
import type { Roll } from './incidents.ts'

/** One that is being started has not said anything yet. */
const memory = ({ worker }: Load) => worker.rss || null
const delay = (load: Load) => (load.worker.rss === 0 ? null : load.delay)
const whole = (value: number) => `${Math.round(value)}`
const wholeSteps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000]
const memorySteps = Array.from({ length: 16 }, (_, power) => 2 ** (22 + power))

/** What is longer than the last bucket has no bound. */
const longestMs = 20_000
const bounded = (bound: number | null) => (bound === null ? null : Math.min(bound, longestMs))

const specs: readonly ChartSpec[] = [
  {
    title: 'Requests per second',
    lines: history => [totalLine(history, 'requests', ({ rate }) => rate)],
    text: rateText,
    steps: wholeSteps,
    style: 'area',
    least: 5,
  },
  {
    title: 'Response time',
    lines: history => [
      totalLine(history, 'p50', ({ p50 }) => bounded(p50)),
      totalLine(history, 'p99', ({ p99 }) => bounded(p99)),
    ],
    text: value => milliseconds(value).replace('<=', '≤'),
    style: 'steps',
    ticks: [1, 5, 25, 100, 500, 2_500, 10_000],
    least: 25,
  },
  {
    title: 'Generations',
    lines: generationLines,
    text: whole,
    steps: wholeSteps,
    style: 'areas',
    least: 1,
  },
  {
    title: 'Event loop delay',
    lines: history => workerLines(history, delay),
    text: delayText,
    style: 'lines',
    least: 10,
  },
  {
    title: 'Memory per worker',
    lines: history => workerLines(history, memory),
    text: value => mebibytes(value).replace(/\.\d/, ''),
    steps: memorySteps,
    style: 'lines',
    least: 2 ** 26,
  },
  {
    title: 'Queue',
    lines: history => [
      totalLine(history, 'in flight', ({ inFlight }) => inFlight),
      totalLine(history, 'waiting', ({ waiting }) => waiting),
    ],
    text: whole,
    steps: wholeSteps,
    style: 'lines',
    least: 5,
  },
]

export class Charts {
  readonly #charts: readonly (readonly [ChartSpec, Chart])[]

  constructor() {
    this.#charts = specs.map(spec => [spec, new Chart(byId('charts'), spec)] as const)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      for (const [, chart] of this.#charts) chart.dress()
    })
  }

  /** Shows the last `seconds` until `now`, which is in seconds since 1970. */
  show(history: History, rolls: readonly Roll[], now: number, seconds: number): void {
    const times = timesOf(history)
    for (const [{ lines, style }, chart] of this.#charts) {
      const plain = lines(history)
      const drawn = style === 'areas' ? stacked(plain) : plain
      chart.show({ times, plain, drawn, rolls, from: now - seconds, to: now })
    }
  }
}
