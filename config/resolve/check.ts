/** Checks that need all settings. */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Problem } from '../load/config-error.ts'
import { declarations, type SettingName, type Settings, settingNames } from '../table.ts'
import { defaultOf, show } from './layers.ts'
import { readStatusToken } from './status-token.ts'

type Origins = Readonly<Record<SettingName, string>>

/** Finds settings that are not available yet or not on this platform, and a missing folder. */
export function checkSettings(settings: Settings, origins: Origins): readonly Problem[] {
  return [
    ...settingNames.flatMap(name => checkAvailable(name, settings, origins)),
    ...checkFolder(settings, origins),
    ...checkBacklogMetric(settings, origins),
    ...checkTotalMemory(settings, origins),
    ...checkAppMetrics(settings, origins),
    ...checkStatusToken(settings, origins),
  ]
}

function checkAvailable(name: SettingName, settings: Settings, origins: Origins): readonly Problem[] {
  const { available } = declarations[name]
  const value: unknown = settings[name]
  if (available === undefined) return []
  // Defaults of unavailable settings depend on the platform at most.
  const usual = defaultOf(name, { cwd: '', app: '', platform: process.platform })
  if (isDeepStrictEqual(value, usual) || (available !== false && available.includes(value))) return []
  const what = available ? `${name} ${show(value)}` : name
  return [{ origin: origins[name], message: `${what} is not available yet` }]
}

function checkFolder({ chdir }: Settings, origins: Origins): readonly Problem[] {
  if (statSync(chdir, { throwIfNoEntry: false })?.isDirectory()) return []
  return [{ origin: origins.chdir, message: `chdir must be an existing folder, not ${show(chdir)}` }]
}

function checkBacklogMetric({ enable_backlog_metric: isOn }: Settings, origins: Origins): readonly Problem[] {
  if (!isOn || process.platform === 'linux') return []
  const message = 'enable_backlog_metric needs /proc of Linux, which is not there: leave it out'
  return [{ origin: origins.enable_backlog_metric, message }]
}

function checkTotalMemory(
  { max_total_memory: most, workers }: Settings,
  origins: Origins,
): readonly Problem[] {
  if (most === 0 || typeof workers !== 'number') return []
  const message = `max_total_memory needs workers as a range, such as 2..8: ${show(workers)} workers stay ${show(workers)}`
  return [{ origin: origins.max_total_memory, message }]
}

function checkAppMetrics(
  { app_metrics: isOn, metrics_bind: address }: Settings,
  origins: Origins,
): readonly Problem[] {
  if (!isOn || address !== null) return []
  return [{ origin: origins.app_metrics, message: 'app_metrics needs metrics_bind, where they are served' }]
}

function checkStatusToken(
  { status_token_file: file, metrics_bind, chdir }: Settings,
  origins: Origins,
): readonly Problem[] {
  if (file === null) return []
  const problem = (what: string) => [
    { origin: origins.status_token_file, message: `status_token_file ${show(file)} ${what}` },
  ]
  if (metrics_bind === null) return problem('needs metrics_bind, where the status page is served')
  try {
    readStatusToken(resolve(chdir, file))
    return []
  } catch (error) {
    return problem((error as Error).message)
  }
}
