/** Every adversary but the past findings. */
import { fuzzing } from './fuzzing.ts'
import type { Adversary } from './turn.ts'

export const adversaries: readonly Adversary[] = [...fuzzing]
