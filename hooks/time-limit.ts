/** Time limits for what the arbiter waits for. */

/**
 * Settles as the promise does, or rejects with what `late` makes when that takes longer than so many milliseconds; 0 is
 * no limit. The promise is not heard of any more then, whatever becomes of it.
 */
export async function within<T>(milliseconds: number, promise: Promise<T>, late: () => Error): Promise<T> {
  if (milliseconds === 0) return await promise
  let timer: NodeJS.Timeout | undefined
  // The timer keeps the process alive: what never settles may be all that is left to wait for.
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), Math.min(milliseconds, longestDelay))
  })
  try {
    return await Promise.race([promise, limit])
  } finally {
    clearTimeout(timer)
  }
}

/** The longest that a timer of Node waits, in milliseconds. */
export const longestDelay = 2 ** 31 - 1
