/** The parts of the page that are text: numbers of now, workers, listeners, events. */
import { type Event, tellEvent } from '../control/print/events.ts'
import { delayText, duration, mebibytes, milliseconds, percent, rateText } from '../control/print/units.ts'
import type { Everything } from '../control/protocol/messages.ts'
import type { Load, Totals } from '../control/top/model.ts'
import { byId, element, kindOf, mark, timeOfDay, write } from './elements.ts'
import { toneOf } from './incidents.ts'

const bound = (value: number | null) => milliseconds(value).replace('<=', '≤')
const share = (value: number | null) => (value === null ? '-' : percent(value))

/** What the tiles say. Each is one text, so that nothing moves when it gets longer. */
const tiles: Readonly<Record<string, (totals: Totals, answer: Everything) => string>> = {
  Workers: (_, { arbiter }) => `${arbiter.ready} / ${arbiter.wanted}`,
  'Requests/s': ({ rate }) => rateText(rate),
  p50: ({ p50 }) => bound(p50),
  p99: ({ p99 }) => bound(p99),
  'In flight': ({ inFlight }) => `${inFlight}`,
  Waiting: ({ waiting }) => `${waiting}`,
  Connections: ({ connections }) => `${connections}`,
  CPU: ({ cpu }) => share(cpu),
  Memory: ({ memory }) => mebibytes(memory),
}

/** The table of workers: `number` columns are on the right. */
const columns: readonly (readonly [
  title: string,
  text: (load: Load) => string,
  kind?: 'number' | 'state',
])[] = [
  ['Worker', ({ worker }) => `${worker.age}`, 'number'],
  ['Index', ({ worker }) => `#${worker.index}`, 'number'],
  ['State', ({ worker }) => worker.state, 'state'],
  ['Pid', ({ worker }) => `${worker.pid ?? '-'}`, 'number'],
  ['Generation', ({ worker }) => `${worker.generation}`, 'number'],
  ['Uptime', ({ worker }) => duration(worker.uptime), 'number'],
  ['Requests/s', ({ rate }) => rateText(rate), 'number'],
  ['p50', ({ p50 }) => bound(p50), 'number'],
  ['p99', ({ p99 }) => bound(p99), 'number'],
  ['In flight', ({ worker }) => `${worker.in_flight}`, 'number'],
  ['Connections', ({ worker }) => `${worker.connections}`, 'number'],
  ['Delay', ({ delay }) => delayText(delay), 'number'],
  ['CPU', ({ cpu }) => share(cpu), 'number'],
  ['Memory', ({ worker }) => mebibytes(worker.rss), 'number'],
]

/** Puts in what stays. What scrolls can be scrolled with keys. */
export function preparePanels(): void {
  for (const scrolling of document.querySelectorAll<HTMLElement>('.events, .listeners, .scroll'))
    scrolling.tabIndex = 0
  byId('tiles').append(
    ...Object.keys(tiles).map(name =>
      element('div', { className: 'tile' }, element('dt', { text: name }), element('dd', { text: '-' })),
    ),
  )
  byId('worker-heads').append(
    ...columns.map(([title, , kind = '']) => {
      const head = element('th', { text: title, className: kind })
      head.scope = 'col'
      return head
    }),
  )
}

export function showTiles(totals: Totals, answer: Everything): void {
  for (const [index, text] of Object.values(tiles).entries())
    write(byId('tiles').children[index]?.lastElementChild as Element, text(totals, answer))
}

export function showTitle({ arbiter }: Everything): void {
  const {
    name,
    pid,
    version,
    generation,
    uptime,
    phase,
    ready,
    wanted,
    old_arbiter: old,
    new_arbiter: next,
  } = arbiter
  const beside = [
    ...(old === null ? [] : [`beside the old arbiter (pid ${old})`]),
    ...(next === null ? [] : [`beside the new arbiter (pid ${next})`]),
  ]
  write(byId('name'), name)
  write(byId('phase'), phase)
  mark(byId('phase'), 'kind', ready < wanted ? 'busy' : kindOf(phase))
  const facts = [
    `generation ${generation}`,
    ...beside,
    `up ${duration(uptime)}`,
    `pid ${pid}`,
    `tsicorn ${version}`,
  ]
  write(byId('facts'), facts.join(' · '))
  document.title = `${phase === 'running' ? '' : `${phase} · `}${name}`
}

export function showListeners({ listeners }: Everything): void {
  fitRows(byId('listeners'), listeners.length, () => [element('td'), element('td', { className: 'number' })])
  for (const [at, { address, backlog }] of listeners.entries())
    writeRow(byId('listeners').children[at] as Element, [address, `${backlog ?? '-'}`])
}

/** How many workers the table has. */
const mostRows = 200

/** The oldest of them, if there are too many. */
export function showWorkers(all: readonly Load[]): void {
  const loads = all.slice(0, mostRows)
  write(byId('workers-title'), all.length > mostRows ? `Workers: ${mostRows} of ${all.length}` : 'Workers')
  fitRows(byId('worker-rows'), loads.length, () =>
    columns.map(([, , kind = '']) => element('td', { className: kind })),
  )
  for (const [at, load] of loads.entries()) {
    const row = byId('worker-rows').children[at] as Element
    writeRow(
      row,
      columns.map(([, text]) => text(load)),
    )
    mark(row.querySelector('.state') as HTMLElement, 'kind', kindOf(load.worker.state))
  }
}

/** As many rows as are needed. */
function fitRows(body: HTMLElement, rows: number, cells: () => readonly Node[]): void {
  while (body.children.length > rows) body.lastElementChild?.remove()
  while (body.children.length < rows) body.append(element('tr', {}, ...cells()))
}

function writeRow(row: Element, texts: readonly string[]): void {
  for (const [at, text] of texts.entries()) write(row.children[at] as Element, text)
}

/** The newest first. */
export function showEvents(events: readonly Event[]): void {
  if (events.length === 0) return
  byId('events').replaceChildren(
    ...events.toReversed().map(event => {
      const text = element('span', { text: tellEvent(event) })
      text.dataset.tone = toneOf(event)
      return element('li', {}, element('time', { text: timeOfDay(event.at ?? 0) }), text)
    }),
  )
}
