/** What `tsicornc top` shows, as lines: it depends on its arguments, and on whether the terminal has colours. */
import cliTruncate from 'cli-truncate'
import { type Event, eventLine } from '../print/events.ts'
import { listenersText, titleText } from '../print/show.ts'
import { styled } from '../print/tables.ts'
import { duration, mebibytes, milliseconds, percent, rateText } from '../print/units.ts'
import type { Everything } from '../protocol/messages.ts'
import { workerLines } from './columns.ts'
import { keys } from './keys.ts'
import { first, joined, last, type Part, sparkline, stack } from './layout.ts'
import { loadsOf, type Sorting, sorted, type Totals, totalsOf } from './model.ts'

export interface View {
  /** The last answers of the server, oldest first. */
  readonly answers: readonly Everything[]
  /** One for each second. */
  readonly history: readonly Totals[]
  readonly events: readonly Event[]
  readonly sorting: Sorting
  readonly isPaused: boolean
  readonly isHelp: boolean
  /** Why nothing new is shown. */
  readonly trouble: string | undefined
  /** What a key has done. */
  readonly notice: string | undefined
}

export interface Size {
  readonly width: number
  readonly height: number
}

export function linesOf(view: View, size: Size): readonly string[] {
  const parts = [part(9, [statusLine(view, size)]), ...(view.isHelp ? helpParts() : bodyParts(view, size))]
  const lines = stack(parts, size.height)
  const blanks = Array.from({ length: size.height - lines.length }, () => '')
  return lines.toSpliced(-1, 0, ...blanks).map(line => cliTruncate(line, size.width))
}

function bodyParts(view: View, { width }: Size): readonly Part[] {
  const { answers, events, sorting, history } = view
  const answer = answers.at(-1)
  if (answer === undefined) return [part(0, ['Waiting for the first answer of the server'])]
  const workers = workerLines(sorted(loadsOf(answers), sorting), width)
  const noEvent = ['Nothing has happened since this view was opened']
  const eventLines = events.length === 0 ? noEvent : events.map(eventLine)
  return [
    part(0, [titleLine(answer, width)]),
    { ...part(4, workers, 5), cut: cutWorkers },
    part(1, [totalsLine(view, width)]),
    part(6, listenersText(answer.listeners).split('\n'), 2),
    part(2, graphLines(history, width), 2),
    part(3, [''], 0),
    part(5, [''], 0),
    part(7, [''], 0),
    { ...part(8, eventLines, 3), cut: last },
  ]
}

function part(place: number, lines: readonly string[], least = 1): Part {
  return { place, lines, least, cut: first }
}

function cutWorkers(lines: readonly string[], height: number): readonly string[] {
  return [...lines.slice(0, height - 1), `and ${lines.length - height + 1} more`]
}

function titleLine({ arbiter }: Everything, width: number): string {
  const name = cliTruncate(arbiter.name, Math.max(8, width - 55))
  return titleText({ ...arbiter, name })
}

function totalsLine({ answers }: View, width: number): string {
  const { arbiter, stats } = answers.at(-1) as Everything
  const { rate, p50, p99, connections, memory } = totalsOf(answers)
  const texts = [
    `Workers ${arbiter.ready}/${arbiter.wanted}`,
    `Requests ${rateText(rate)}/s`,
    `p50 ${milliseconds(p50)}`,
    `p99 ${milliseconds(p99)}`,
    `Connections ${connections}`,
    `Memory ${mebibytes(memory)}`,
    `Uptime ${duration(arbiter.uptime)}`,
    `Reloads ${stats.reloads} (${stats.reloads_failed} failed)`,
  ]
  return joined(texts, width)
}

const longestGraph = 60

/** Two lines of two graphs each. */
function graphLines(history: readonly Totals[], width: number): readonly string[] {
  const graphWidth = Math.min(longestGraph, Math.floor((width - 3) / 2) - 21)
  const graph = (
    title: string,
    value: (totals: Totals) => number | null,
    text: (value: number) => string,
  ) => {
    const now = history.at(-1)
    const current = now === undefined ? null : value(now)
    const values = history.map(totals => value(totals) ?? 0)
    const line = styled('cyan', sparkline(values, Math.max(1, graphWidth)))
    return `${title.padEnd(10)} ${line} ${(current === null ? '-' : text(current)).padEnd(9)}`
  }
  const plain = (value: number) => `${value}`
  return [
    [graph('Requests/s', ({ rate }) => rate, rateText), graph('CPU', ({ cpu }) => cpu, percent)],
    [
      graph('In flight', ({ inFlight }) => inFlight, plain),
      graph('Waiting', ({ waiting }) => waiting, plain),
    ],
  ].map(graphs => joined(graphs, width))
}

function statusLine({ trouble, notice, isPaused, sorting }: View, { width }: Size): string {
  const pause = isPaused ? [styled('inverse', ' PAUSED ')] : []
  if (trouble !== undefined) return joined([...pause, styled('red', trouble)], width)
  if (notice !== undefined) return joined([...pause, styled('bold', notice)], width)
  const { quit, more, fewer, reload, sort, pause: hold, help } = keys
  const hints = [
    `${quit.shown} quit`,
    `${help.shown} help`,
    `${more.shown} ${fewer.shown} scale`,
    `${reload.shown} reload`,
    `${sort.shown} sort: ${sorting}`,
    `${hold.shown} ${isPaused ? 'go on' : 'pause'}`,
  ]
  return joined([...pause, ...hints], width)
}

function helpParts(): readonly Part[] {
  const rows = Object.values(keys).map(({ shown, doc }) => `  ${shown.padEnd(8)}${doc}`)
  return [part(0, [styled('bold', 'The keys of tsicornc top'), '', ...rows, '', ...legend])]
}

const legend = [
  'FLIGHT: requests in flight. DELAY: how late the event loop is.',
  'P50, P99: upper bounds of the times of the last ten seconds.',
  'CPU: 100 % is one processor. WAITING: connections to be accepted.',
]
