/** The attack: the past findings first, and then every adversary in its turn until the time is over. */
import { adversaries } from './adversaries.ts'
import { corpus } from './corpus/index.ts'
import { storyOf } from './report.ts'
import { becomes, within } from './server/patience.ts'
import { type Adversary, type Outcome, Turn } from './turn.ts'

export interface AttackOptions {
  readonly seconds: number
  readonly seed: number
  /** The Node to run servers with. */
  readonly node: string
  /** Groups, or parts of names; all by default. */
  readonly only: readonly string[]
  readonly tell: (message: string) => void
}

/** How often the progress is told, in milliseconds. */
const progressMs = 10_000

/** Turns at the same time: past findings mostly wait. */
const lanes = 2
const corpusLanes = 4

/** A turn lasts so many seconds; in between, so that each adversary has one. */
const leastSeconds = 4
const mostSeconds = 20

/** So many times as long as it was asked for may an attack last, for every adversary to have its turn. */
const mostOverrun = 2.5

/** A turn that is not over by so many seconds has found something that hangs. */
const patience = 240

export async function attack({
  seconds,
  seed,
  node,
  only,
  tell,
}: AttackOptions): Promise<readonly Outcome[]> {
  const isWanted = ({ group, name }: Adversary) =>
    only.length === 0 || only.some(word => word === group || `${group}: ${name}`.includes(word))
  const outcomes: Outcome[] = []
  const began = performance.now()
  const elapsed = () => (performance.now() - began) / 1_000
  const progress = setInterval(() => tell(describeProgress(outcomes, elapsed())), progressMs)
  const others = adversaries.filter(isWanted)
  const each = Math.min(mostSeconds, Math.max(leastSeconds, Math.floor(seconds / others.length)))
  const perform = async (adversary: Adversary, turn: number) => {
    const outcome = await take({ adversary, seed: seed + turn, seconds: each, node })
    outcomes.push(outcome)
    if (outcome.violations.length > 0) tell(storyOf(outcome))
  }
  try {
    await inLanes(corpusLanes, corpus.filter(isWanted), async adversary => {
      if (elapsed() < seconds * mostOverrun) await perform(adversary, 0)
    })
    let round = 0
    // All of them once, also on a machine that is too busy for the time that was given; within reason.
    const mayBegin = (turn: number) => elapsed() < (turn === 0 ? seconds * mostOverrun : seconds)
    while (others.length > 0 && mayBegin(round)) {
      const turn = round
      await inLanes(lanes, others, async adversary => {
        if (mayBegin(turn)) await perform(adversary, turn)
      })
      round += 1
    }
  } finally {
    clearInterval(progress)
  }
  return outcomes
}

async function take(options: {
  readonly adversary: Adversary
  readonly seed: number
  readonly seconds: number
  readonly node: string
}): Promise<Outcome> {
  const turn = new Turn(options)
  let isOver = false
  const running = options.adversary
    .run(turn)
    .catch((error: Error) => turn.violated(`The attack failed: ${error.stack}`))
    .finally(() => {
      isOver = true
    })
  await within(running, patience)
  if (!isOver) turn.violated(`It was not over after ${patience} s`)
  const outcome = await turn.end()
  // What hung goes on when its server is gone.
  await becomes(() => isOver, 60)
  return outcome
}

async function inLanes(
  lanes: number,
  all: readonly Adversary[],
  run: (adversary: Adversary) => Promise<void>,
): Promise<void> {
  const queue = [...all]
  const lane = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await run(next)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

function describeProgress(outcomes: readonly Outcome[], seconds: number): string {
  const sum = (key: 'answered' | 'explained') => outcomes.reduce((total, outcome) => total + outcome[key], 0)
  const violations = outcomes.flatMap(outcome => outcome.violations).length
  return `${seconds.toFixed(0)} s: ${outcomes.length} turns, ${sum('answered')} honest requests, ${sum('explained')} explained failures, ${violations} violations`
}
