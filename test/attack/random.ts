/** Random choices that are the same for the same seed. */
import { createRandom, type Random } from '../loss/client/random.ts'

export { createRandom, type Random }

/** A whole number from `least` to `most`. */
export function integer(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1))
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[integer(random, 0, from.length - 1)] as T
}

/** True with this probability. */
export function chance(random: Random, probability: number): boolean {
  return random() < probability
}
