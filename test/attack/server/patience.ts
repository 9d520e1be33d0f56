/** Waiting with an end: a server under attack may never say what is waited for. */
import { setTimeout as sleep } from 'node:timers/promises'

/** Between two looks, in milliseconds. */
const lookMs = 50

/** True as soon as it is; false when it was not within so many seconds. */
export async function becomes(isTrue: () => boolean | Promise<boolean>, seconds: number): Promise<boolean> {
  const until = performance.now() + seconds * 1_000
  for (;;) {
    if (await isTrue()) return true
    if (performance.now() >= until) return false
    await sleep(lookMs)
  }
}

/** What a promise resolves with, or undefined when it has not within so many seconds. */
export async function within<T>(promise: Promise<T>, seconds: number): Promise<T | undefined> {
  const controller = new AbortController()
  const late = sleep(seconds * 1_000, undefined, { signal: controller.signal }).catch(() => undefined)
  try {
    return await Promise.race([promise, late])
  } finally {
    controller.abort()
  }
}
