/** Every adversary but the past findings. */
import { misbehaving } from './apps/misbehaving.ts'
import { chaos } from './chaos/index.ts'
import { failingCalls } from './faults/calls.ts'
import { limits } from './faults/limits.ts'
import { fuzzing } from './fuzzing.ts'
import type { Adversary } from './turn.ts'

export const adversaries: readonly Adversary[] = [
  ...fuzzing,
  ...chaos,
  ...misbehaving,
  ...failingCalls,
  ...limits,
]
