/** One chart: its caption, which is its legend as well, and the canvas that uPlot draws. */
import uPlot from 'uplot'
import { colour, element, softColour, timeOfDay, write } from './elements.ts'
import type { History, Line } from './history.ts'
import type { Roll } from './incidents.ts'

export interface ChartSpec {
  readonly title: string
  readonly lines: (history: History) => readonly Line[]
  /** A value in words. */
  readonly text: (value: number) => string
  /** `steps` keeps a value until the next one, `areas` does so with lines on top of each other. */
  readonly style: 'area' | 'lines' | 'steps' | 'areas'
  /** The values of the axis, where they are always the same, on a logarithmic scale. */
  readonly ticks?: readonly number[]
  /** How far apart the values of the axis may be. */
  readonly steps?: readonly number[]
  /** The axis reaches at least so far. */
  readonly least: number
}

export interface Shown {
  readonly times: readonly number[]
  /** The lines as they are, and as they are drawn. */
  readonly plain: readonly Line[]
  readonly drawn: readonly Line[]
  readonly rolls: readonly Roll[]
  /** The limits of the time axis, in seconds since 1970. */
  readonly from: number
  readonly to: number
}

const height = 156
const shared = uPlot.sync('all')

export class Chart {
  readonly #spec: ChartSpec
  readonly #place = element('div', { className: 'plot' })
  readonly #moment = element('span', { className: 'moment' })
  readonly #legend = element('div', { className: 'legend' })
  #plot: uPlot | undefined
  #shown: Shown | undefined

  constructor(parent: HTMLElement, spec: ChartSpec) {
    this.#spec = spec
    const title = element('h3', { text: spec.title })
    const caption = element('figcaption', {}, title, this.#moment, this.#legend)
    parent.append(element('figure', {}, caption, this.#place))
    this.#place.tabIndex = 0
    this.#place.role = 'img'
    this.#place.ariaLabel = `${spec.title}, a chart over time`
    this.#place.onkeydown = event => this.#press(event)
    this.#place.onblur = () => this.#plot?.setCursor({ left: -10, top: -10 })
    new ResizeObserver(() => this.#plot?.setSize(this.#size())).observe(this.#place)
  }

  show(shown: Shown): void {
    const before = this.#shown?.plain.map(({ label }) => label).join()
    this.#shown = shown
    if (this.#plot === undefined || before !== shown.plain.map(({ label }) => label).join())
      return this.dress()
    this.#plot.setData(this.#data(), false)
    this.#rescale(this.#plot)
    this.#write()
  }

  /** Draws it from the beginning: other lines, or other colours. */
  dress(): void {
    if (this.#shown === undefined) return
    this.#plot?.destroy()
    this.#legend.replaceChildren(
      ...this.#shown.plain.map(({ label }, at) => {
        const key = element('span', { className: 'key' })
        key.style.background = colour(this.#colourOf(at))
        return element('span', {}, key, document.createTextNode(`${label} `), element('b'))
      }),
    )
    this.#plot = new uPlot(this.#options(), this.#data(), this.#place)
    this.#rescale(this.#plot)
    this.#write()
  }

  #size(): { readonly width: number; readonly height: number } {
    return { width: this.#place.clientWidth, height }
  }

  #rescale(plot: uPlot): void {
    const { from, to } = this.#shown as Shown
    plot.setScale('x', { min: from, max: to })
  }

  /** What is on top of others is drawn before them. */
  #data(): uPlot.AlignedData {
    const { times, drawn } = this.#shown as Shown
    const lines = this.#spec.style === 'areas' ? drawn.toReversed() : drawn
    return [times, ...lines.map(({ values }) => values)] as uPlot.AlignedData
  }

  /** A generation keeps its colour while others come and go. */
  #colourOf(at: number): string {
    const { label } = (this.#shown as Shown).plain[at] as Line
    const [, number] = /^(?:generation |#)(\d+)$/.exec(label) ?? []
    const place = number === undefined ? at : Number(number) - Number(label.startsWith('g'))
    return `c${(place % 8) + 1}`
  }

  #options(): uPlot.Options {
    const { ticks, steps, text, least } = this.#spec
    const soft = colour('soft')
    const axis = {
      stroke: soft,
      font: '11px system-ui, sans-serif',
      ticks: { show: false },
      grid: { stroke: colour('grid'), width: 1 },
    }
    return {
      ...this.#size(),
      padding: [8, 4, 0, 0],
      legend: { show: false },
      cursor: { sync: { key: shared.key }, drag: { x: false, y: false }, points: { size: 6 } },
      scales: {
        y:
          ticks === undefined
            ? { range: (_, __, most) => [0, Math.max(least, (most ?? 0) * 1.12)] }
            : { distr: 3, range: (_, __, most) => [0.7, Math.max(least, most ?? 0) * 1.6] },
      },
      axes: [
        { ...axis, size: 22, space: 70, values: (_, times) => times.map(time => timeOfDay(time * 1_000)) },
        {
          ...axis,
          size: 58,
          space: 34,
          values: (_, values) => values.map(value => (value === null ? '' : shortened(text(value)))),
          ...(ticks === undefined ? {} : { splits: () => [...ticks], filter: (_, splits) => splits }),
          ...(steps === undefined ? {} : { incrs: [...steps] }),
        },
      ],
      series: [{}, ...this.#series()],
      hooks: {
        drawClear: [plot => this.#drawRolls(plot)],
        setCursor: [() => this.#write()],
      },
    }
  }

  #series(): uPlot.Series[] {
    const { style } = this.#spec
    const steps = uPlot.paths.stepped?.({ align: 1 })
    const series = (this.#shown as Shown).plain.map((_, at): uPlot.Series => {
      const stroke = colour(this.#colourOf(at))
      return {
        stroke,
        width: style === 'areas' ? 1 : 1.75,
        points: { show: false },
        ...(style === 'steps' || style === 'areas' ? { paths: steps as uPlot.Series.PathBuilder } : {}),
        ...(style === 'area' ? { fill: faded(stroke, 0.16) } : {}),
        ...(style === 'areas' ? { fill: softColour(this.#colourOf(at)) } : {}),
      }
    })
    return style === 'areas' ? series.toReversed() : series
  }

  /** The time of each reload, behind the lines. */
  #drawRolls({ ctx, bbox, valToPos }: uPlot): void {
    const { rolls, from, to } = this.#shown as Shown
    for (const roll of rolls.filter(({ to: end = to }) => end > from)) {
      const left = Math.max(bbox.left, valToPos(Math.max(roll.from, from), 'x', true))
      const right = Math.max(left + 2, valToPos(roll.to ?? to, 'x', true))
      ctx.fillStyle = colour('roll')
      ctx.fillRect(left, bbox.top, right - left, bbox.height)
      if (roll.to === undefined) continue
      ctx.fillStyle = colour(roll.hasFailed ? 'bad' : 'good')
      ctx.fillRect(right - 1, bbox.top, devicePixelRatio, bbox.height)
    }
  }

  /** The values under the cursor, or the last ones. */
  #write(): void {
    const { times, plain } = this.#shown as Shown
    const under = this.#plot?.cursor.idx
    const at = under ?? times.length - 1
    const isPointed = under !== null && under !== undefined && (this.#plot?.cursor.left ?? -1) >= 0
    write(this.#moment, isPointed ? timeOfDay((times[at] as number) * 1_000) : '')
    for (const [index, { values }] of plain.entries()) {
      const value = values[isPointed ? at : times.length - 1]
      const target = this.#legend.children[index]?.lastElementChild
      if (target) write(target, value === null || value === undefined ? '-' : this.#spec.text(value))
    }
  }

  /** The arrow keys move the cursor from point to point. */
  #press(event: KeyboardEvent): void {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    const plot = this.#plot
    const { times = [] } = this.#shown ?? {}
    if (step === undefined || plot === undefined || times.length === 0) return
    event.preventDefault()
    const last = times.length - 1
    const isOut = (plot.cursor.left ?? -1) < 0
    const at = isOut ? last : Math.min(last, Math.max(0, (plot.cursor.idx ?? last) + step))
    plot.setCursor({ left: plot.valToPos(times[at] as number, 'x'), top: 10 }, true)
  }
}

function shortened(text: string): string {
  return text.replace('≤ ', '').replace(/\.0$/, '')
}

function faded(rgb: string, opacity: number): string {
  return rgb.replace(/^rgb\((.*)\)$/, `rgba($1, ${opacity})`)
}
