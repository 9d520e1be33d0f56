/** The package `tsicorn`: what a configuration file imports. */
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

/** Gives a configuration its types: `export default defineConfig({ app: './app.ts', workers: 4 })`. */
export function defineConfig<F extends ConfigFunction>(
  config: Config | (F & Known<F>),
): Config | ConfigFunction {
  return config
}

/** TypeScript looks for keys that do not belong there in a literal, but not in what a function returns. */
type Known<F extends ConfigFunction> = [Strange<F>] extends [never]
  ? unknown
  : `${Strange<F>} is not a setting`

type Strange<F extends ConfigFunction> = StrangeIn<Awaited<ReturnType<F>>>

/** Of each form that a function may return. */
type StrangeIn<C> = C extends unknown ? Exclude<keyof C & string, keyof Config> : never
