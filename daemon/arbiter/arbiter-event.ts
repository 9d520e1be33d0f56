/** What the arbiter hears, in the order in which it happened. */
import type { RenewalEvent } from '../generation/certificate-watcher.ts'
import type { Generation } from '../generation/generation.ts'
import type { GenerationsEvent } from '../generation/generations.ts'
import type { WatchEvent } from '../generation/source-watcher.ts'
import type { UpgraderEvent } from '../process/upgrader.ts'
import type { SignalName } from '../state/phase.ts'
import type { ChildEvent } from '../workers/worker-handle.ts'

/** What the parts of a server put in the inbox. */
export type ServerEvent =
  | ChildEvent
  | GenerationsEvent
  | UpgraderEvent
  | WatchEvent
  | RenewalEvent
  | { readonly type: 'hook ended' }

/** Everything that can happen to an arbiter. */
export type ArbiterEvent =
  | ServerEvent
  | { readonly type: 'signal'; readonly name: SignalName }
  | { readonly type: 'continued' }
  | { readonly type: 'stray'; readonly error: unknown }
  | { readonly type: 'hooks ended' }
  | { readonly type: 'tick' }

/** What is known about a happening. */
export interface TriggerDetails {
  readonly generation?: Generation
  readonly error?: unknown
}
