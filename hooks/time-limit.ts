/** Time limits for promises that the arbiter waits for. */

/**
 * Settles as the promise does, or rejects with the error of `late` when that takes longer than so many milliseconds; 0
 * is no limit. After that, the outcome of the promise is ignored.
 */
export async function within<T>(milliseconds: number, promise: Promise<T>, late: () => Error): Promise<T> {
  if (milliseconds === 0) return await promise
  let timer: NodeJS.Timeout | undefined
  // The timer keeps the process alive, because nothing else may be left in the event loop.
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), Math.min(milliseconds, longestDelay))
  })
  try {
    return await Promise.race([promise, limit])
  } finally {
    clearTimeout(timer)
  }
}

/** The longest delay of a Node timer, in milliseconds. */
export const longestDelay = 2 ** 31 - 1
