/** What the plan is made from, the server in terms of numbers, states and addresses; and how it is carried out. */
import { monotonicNow } from '../../worker/protocol/scoreboard.ts'
import { bindFrom } from '../generation/app-binds.ts'
import { type Generation, mayBind } from '../generation/generation.ts'
import type { Generations } from '../generation/generations.ts'
import type { Phase } from '../state/phase.ts'
import type { Action } from '../state/plan.ts'
import { shareOf } from '../state/scale.ts'
import type { World } from '../state/world.ts'
import type { Server } from './server.ts'

/** Reads the heartbeats first if a worker seems to be late by those that are known. */
export function worldOf(server: Server): World {
  const { fleet, generations, crashLoop, phase, upgrader } = server
  const { planned, lastGood } = generations
  const { settings } = server.resolved
  const { wanted } = server.scale
  const { workers } = fleet
  const now = monotonicNow()
  const serving = fleet.ready.map(({ born }) => born)
  const isSilent = workers.some(({ heartbeat, generation }) => {
    const limit = fleet.limitsOf(generation).heartbeat
    return limit > 0 && heartbeat + limit <= now
  })
  if (isSilent) fleet.readHeartbeats()
  return {
    now,
    ...stopOf(phase, upgrader.isShared ? 0 : settings.drain_delay * 1_000),
    wanted: wantedOf(planned, wanted),
    generation: planned?.number ?? 0,
    surge: shareOf(settings.reload_surge, wanted),
    boots: asksApp(generations) && serving.length === 0 ? 1 : crashLoop.boots(serving),
    // A reverted generation does not bake: its last worker leaves like the others.
    bake: phase.name === 'reloading' ? settings.reload_bake * 1_000 : 0,
    recycles: phase.name === 'running',
    undecided: generations.isPreparing,
    lastGood: lastGood?.number,
    spawnAfter: crashLoop.startAfter(serving),
    workers,
    limitsOf: generation => fleet.limitsOf(generation),
    showsError: generation => fleet.showsError(generation),
    addressesOf: number =>
      [...fleet.serving, lastGood, planned]
        .find(generation => generation?.number === number)
        ?.listeners.map(({ name }) => name) ?? [],
  }
}

/** A single worker can show an error. */
function wantedOf(planned: Generation | undefined, wanted: number): number {
  if (planned === undefined) return 0
  return planned.page === undefined ? wanted : Math.min(1, wanted)
}

export function perform(action: Action, { fleet, generations }: Server): void {
  switch (action.do) {
    case 'spawn':
      return fleet.spawn(generations.planned as Generation, action.index)
    case 'drain':
      return fleet.drain(action.age, action.why, generations.planned)
    case 'quit':
      return fleet.quit(action.age, action.how)
    case 'kill':
      return fleet.kill(action.age, action.why)
  }
}

/**
 * Whether the first worker has yet to find out where the app listens: a second one that listened meanwhile would
 * conflict with it, or with the arbiter's bind.
 */
function asksApp({ current, appBinds }: Generations): boolean {
  const asks = current !== undefined && bindFrom(current.resolved) === 'nobody' && mayBind(current)
  return asks && appBinds.all.length === 0
}

function stopOf(phase: Phase, delay: number): Pick<World, 'stopping' | 'stopAt'> {
  if (phase.name !== 'stopping') return { stopping: 'no', stopAt: 0 }
  return { stopping: phase.how === 'announced' ? 'soon' : phase.how, stopAt: phase.since + delay }
}
