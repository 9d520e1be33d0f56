/** A storm of signals, mistakes, removed files, stopped and killed processes, of which no honest client may hear. */
import { setTimeout as sleep } from 'node:timers/promises'
import { chance, integer } from '../random.ts'
import type { Adversary } from '../turn.ts'
import { type Deed, deeds } from './deeds.ts'
import { goodApp, World } from './world.ts'

/** Deeds until everything is mended. */
const most = 6

export const storm: Adversary = {
  group: 'chaos',
  name: 'storm',
  async run(turn) {
    const world = await World.open(turn)
    if (world === undefined) return
    const { server, random } = world
    const before = await server.census()
    while (!turn.isOver && server.isAlive) {
      for (let count = integer(random, 1, most); count > 0 && server.isAlive; count -= 1) {
        const deed = choose(random())
        const what = await deed.run(world)
        turn.did(what === undefined ? deed.name : `${deed.name}: ${what}`)
        await sleep(integer(random, 0, 400))
      }
      // TERM must be heard in the middle of it too; but where the last worker was killed, nobody could serve a bad app.
      if (turn.isOver && chance(random, 0.5)) {
        world.write('app.mjs', goodApp)
        return await turn.examine(server, undefined, /./)
      }
      await world.calm()
    }
    await turn.examine(server, before, /./)
  },
}

function choose(random: number): Deed {
  let rest = random * deeds.reduce((sum, { share }) => sum + share, 0)
  return deeds.find(({ share }) => {
    rest -= share
    return rest < 0
  }) as Deed
}
