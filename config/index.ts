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
export type { ConfigContext } from './file.ts'
export type { Config, ConfigFunction, Settings } from './table.ts'

/** Gives a configuration its types: `export default defineConfig({ app: './app.ts', workers: 4 })`. */
export function defineConfig(config: Config | ConfigFunction): Config | ConfigFunction {
  return config
}
