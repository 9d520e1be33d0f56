/** Checks that need all settings. */
import { statSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import type { Problem } from '../load/config-error.ts'
import { declarations, type SettingName, type Settings, settingNames } from '../table.ts'
import { parseBind } from './bind.ts'
import { defaultOf, show } from './layers.ts'
import { checkTelemetry } from './telemetry-address.ts'

type Origins = Readonly<Record<SettingName, string>>

/** Finds settings that are not available yet, a missing folder, and invalid addresses. */
export function checkSettings(settings: Settings, origins: Origins): readonly Problem[] {
  return [
    ...settingNames.flatMap(name => checkAvailable(name, settings, origins)),
    ...checkFolder(settings, origins),
    ...checkAddresses(settings, origins),
    ...checkTelemetry(settings, origins),
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

function checkAddresses(
  { bind, chdir, reuse_port: reusePort }: Settings,
  origins: Origins,
): readonly Problem[] {
  const origin = origins.bind
  if (bind.length === 0) return [{ origin, message: 'bind must name at least one address, not []' }]
  return bind.flatMap(text => {
    const message = whyNoAddress(text, chdir, reusePort)
    return message === undefined ? [] : [{ origin, message: `bind ${show(text)} ${message}` }]
  })
}

function whyNoAddress(text: string, folder: string, reusePort: boolean): string | undefined {
  try {
    const address = parseBind(text, folder)
    const isRandom = reusePort && address.kind === 'tcp' && address.port === 0
    return isRandom ? 'needs a port number with reuse_port: each worker would get another one' : undefined
  } catch (error) {
    if (error instanceof RangeError) return error.message
    throw error
  }
}
