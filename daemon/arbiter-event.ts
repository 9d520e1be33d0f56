/** What the arbiter hears, in the order in which it happened. */
import type { Generation } from './generation.ts'
import type { SignalName } from './phase.ts'
import type { ServerEvent } from './server.ts'

/** Everything that can happen to an arbiter. */
export type ArbiterEvent =
  | ServerEvent
  | { readonly type: 'signal'; readonly name: SignalName }
  | { readonly type: 'continued' }
  | { readonly type: 'stray'; readonly error: unknown }
  | { readonly type: 'hooks ended' }
  | { readonly type: 'tick'; readonly due: number }

/** What is known about a happening. */
export interface About {
  readonly generation?: Generation
  readonly error?: unknown
}
