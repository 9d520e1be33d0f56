/** The status page: what the server says becomes a view. */
import type { Event } from '../control/print/events.ts'
import type { Everything, FeedMessage } from '../control/protocol/messages.ts'
import { totalsOf } from '../control/top/model.ts'
import { allowActions, prepareActions } from './actions.ts'
import { Charts } from './charts.ts'
import { byId, mark, timeOfDay, write } from './elements.ts'
import { follow } from './feed.ts'
import { noHistory, withPoint } from './history.ts'
import { rollsOf, type Verdict, verdictOf } from './incidents.ts'
import { preparePanels, showEvents, showListeners, showTiles, showTitle, showWorkers } from './panels.ts'

/** How many events are kept. */
const mostEvents = 200

let history = noHistory
let events: readonly Event[] = []
let seconds = 120
let isPaused = false
/** The version of the server that this page is of. */
let version: string | undefined
/** Why nothing comes. */
let trouble: string | undefined

preparePanels()
const charts = new Charts()
// Shown as a whole: nothing moves while its parts are put in.
byId('main').hidden = false
prepareActions(() => history.answers.at(-1)?.arbiter.wanted ?? 1)
byId('pause').onclick = () => pause()
for (const button of document.querySelectorAll<HTMLButtonElement>('[data-seconds]'))
  button.onclick = () => choose(button)
addEventListener('keydown', press)
follow({
  onMessage: take,
  onAway: (why, since) => {
    trouble = why && `${why} since ${timeOfDay(since)}: trying again`
    showConnection()
  },
})

function take({ answer, events: news, has_token }: FeedMessage): void {
  allowActions(has_token)
  const at = Date.now()
  events = [...events, ...news].slice(-mostEvents)
  version ??= answer?.arbiter.version
  if (answer !== undefined) history = withPoint(history, answer, at / 1_000)
  if (isPaused) return
  if (news.length > 0) showEvents(events)
  if (answer !== undefined) show(answer, at)
  showConnection()
}

function show(answer: Everything, at: number): void {
  showTitle(answer)
  showVerdict(verdictOf(answer, events, at))
  showTiles(totalsOf(history.answers), answer)
  charts.show(history, rollsOf(events), at / 1_000, seconds)
  showListeners(answer)
  showWorkers(history.loads)
}

function showVerdict({ kind, text, at, progress = 0 }: Verdict): void {
  mark(byId('verdict'), 'kind', kind)
  write(byId('verdict-text'), text)
  byId('verdict-text').title = text
  write(byId('verdict-time'), at === undefined ? '' : timeOfDay(at))
  byId('progress').style.scale = `${progress} 1`
}

function showConnection(): void {
  mark(byId('connection'), 'state', trouble !== undefined ? 'away' : isPaused ? 'paused' : 'live')
  const now = history.answers.at(-1)?.arbiter.version ?? version
  const live = now === version ? 'Live' : `Live, now tsicorn ${now}: load this page again`
  write(byId('connection-text'), trouble ?? (isPaused ? 'Paused' : live))
}

function refresh(): void {
  const answer = history.answers.at(-1)
  showEvents(events)
  if (answer !== undefined) show(answer, Date.now())
}

function pause(): void {
  isPaused = !isPaused
  byId('pause').ariaPressed = `${isPaused}`
  write(byId('pause'), isPaused ? 'Go on' : 'Pause')
  showConnection()
  if (!isPaused) refresh()
}

function choose(chosen: HTMLButtonElement): void {
  seconds = Number(chosen.dataset.seconds)
  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-seconds]'))
    button.ariaPressed = `${button === chosen}`
  write(byId('range-text'), `${seconds / 60} minutes`)
  if (!isPaused) refresh()
}

/** Keys press the buttons, but not while something is typed, or with others held down. */
function press(event: KeyboardEvent): void {
  const { key, ctrlKey, metaKey, altKey, target } = event
  if (ctrlKey || metaKey || altKey || target instanceof HTMLInputElement) return
  if (byId<HTMLDialogElement>('dialog').open) return
  const id = { p: 'pause', s: 'scale', r: 'reload' }[key]
  if (id === undefined) return
  event.preventDefault()
  byId(id).click()
}
