/** Imports the hooks that are called in workers from the configuration. */
import { isMainThread } from 'node:worker_threads'
import { leaveTsxHelpers } from '../config/load/tsx.ts'
import type { AccessLine } from '../hooks/access-entry.ts'
import type { Hooks } from '../hooks/table.ts'
import type { Start } from './protocol/messages.ts'

/** What a worker takes from the configuration that its arbiter cannot send: functions. */
export interface ImportedHooks {
  readonly hooks: Hooks
  readonly access_log_format: AccessLine | null
}

export async function importHooks(hooks: Start['hooks']): Promise<ImportedHooks> {
  if (hooks === undefined) return { hooks: {}, access_log_format: null }
  if (!isMainThread) leaveTsxHelpers()
  const { importConfig } = await import('../config/load/file.ts')
  const config = await importConfig(hooks.file, { command: hooks.command, env: process.env })
  const own = Object.fromEntries(hooks.names.map(name => [name, config[name]]))
  return {
    hooks: own as Hooks,
    access_log_format: (config.access_log_format as AccessLine | undefined) ?? null,
  }
}
