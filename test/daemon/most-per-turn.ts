/** Counts what happens in single turns of the event loop. */

/** The most that this counter goes up in a turn until the work is done. */
export async function mostPerTurn(count: () => number, done: Promise<unknown>): Promise<number> {
  let [most, before] = [0, count()]
  const turn = () => {
    most = Math.max(most, count() - before)
    before = count()
    next = setImmediate(turn)
  }
  let next = setImmediate(turn)
  await done
  clearImmediate(next)
  return Math.max(most, count() - before)
}
