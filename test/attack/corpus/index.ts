/** What was found before: a small attack for each, in the exact steps. Those of HTTP are conversations: see `fuzz/`. */
import type { Adversary } from '../turn.ts'
import { configuration } from './configuration.ts'
import { descriptors } from './descriptors.ts'
import { files } from './files.ts'
import { inspector } from './inspector.ts'
import { messaging } from './messages.ts'
import { readers } from './readers.ts'
import { releases } from './release.ts'
import { reloading } from './reloads.ts'
import { spawning } from './spawning.ts'
import { generations } from './succession.ts'
import { waits } from './waits.ts'

export const corpus: readonly Adversary[] = [
  ...messaging,
  ...descriptors,
  ...spawning,
  ...configuration,
  ...inspector,
  ...files,
  ...waits,
  ...readers,
  ...generations,
  ...releases,
  ...reloading,
]
