/** The events in the arbiter's inbox. */
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

/** Every event that an arbiter handles. */
export type ArbiterEvent =
  | ServerEvent
  | { readonly type: 'signal'; readonly name: SignalName }
  | { readonly type: 'continued' }
  | { readonly type: 'stray'; readonly error: unknown }
  | { readonly type: 'hooks ended' }
  | { readonly type: 'tick' }

/** What is known about a trigger. */
export interface TriggerDetails {
  readonly generation?: Generation
  readonly error?: unknown
}
