/** Chaos of the life cycle. */
import type { Adversary } from '../turn.ts'
import { killing, upgrading } from './arbiters.ts'
import { storm } from './storm.ts'

export const chaos: readonly Adversary[] = [storm, killing, upgrading]
