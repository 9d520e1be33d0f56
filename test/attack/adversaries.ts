/** Every adversary but the past findings. */
import { misbehaving } from './apps/misbehaving.ts'
import { chaos } from './chaos/index.ts'
import { fuzzing } from './fuzzing.ts'
import type { Adversary } from './turn.ts'

export const adversaries: readonly Adversary[] = [...fuzzing, ...chaos, ...misbehaving]
