/** Which settings have changed since the start and take effect on restart only. */
import { isDeepStrictEqual } from 'node:util'
import { declarations, type SettingName, type Settings, settingNames } from './table.ts'

interface Given {
  readonly settings: Settings
  /** Where the value of each setting is from. */
  readonly origins: Readonly<Record<string, string>>
}

/** Not those whose default has changed: it may depend on the app, which a reload replaces. */
export function changedForRestart(first: Given, now: Given): readonly SettingName[] {
  return settingNames.filter(name => {
    if (declarations[name].effect !== 'on restart') return false
    if (first.origins[name] === 'default' && now.origins[name] === 'default') return false
    return !isDeepStrictEqual(first.settings[name], now.settings[name])
  })
}
