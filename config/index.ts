/** The public interface of the package `tsicorn`, for configuration files. */
import type { Config, ConfigFunction } from './table.ts'

export type { AccessDetails, AccessEntry, AccessLine, Outcome } from '../hooks/access-entry.ts'
export type { Logger, LoggerFactory, LoggerOptions } from '../hooks/logger.ts'
export type {
  HookLog,
  HookName,
  Hooks,
  RequestTiming,
  ServerInfo,
  ServerView,
  WorkerView,
} from '../hooks/table.ts'
export type { ConfigContext } from './load/file.ts'
export type { Config, ConfigFunction, Settings } from './table.ts'

/** Types a configuration: `export default defineConfig({ app: './app.ts', workers: 4 })`. */
export function defineConfig<F extends ConfigFunction>(
  config: Config | (F & WithoutUnknownKeys<F>),
): Config | ConfigFunction {
  return config
}

/** TypeScript checks literals for unknown keys, but not the results of functions. */
type WithoutUnknownKeys<F extends ConfigFunction> = [UnknownKeys<F>] extends [never]
  ? unknown
  : `${UnknownKeys<F>} is not a setting`

type UnknownKeys<F extends ConfigFunction> = UnknownKeysOf<Awaited<ReturnType<F>>>

/** Distributes over all types that a function may return. */
type UnknownKeysOf<C> = C extends unknown ? Exclude<keyof C & string, keyof Config> : never
