/** Sorts the keys of a configuration file into settings, hooks and mistakes. */
import { isHook, whyInvalidHook } from '../../hooks/check.ts'
import { type HookName, type Hooks, hookTable } from '../../hooks/table.ts'
import type { Problem } from '../load/config-error.ts'
import { otherKeys } from '../other-tools.ts'
import { dirtyHooks } from '../settings/dirty-arbiters.ts'
import { declarations, type SettingName, settingNamed, settingNames } from '../table.ts'
import type { Given, Layer } from './layers.ts'
import { missing, whyMissing } from './missing.ts'
import { nearest } from './spelling.ts'

export interface Keys {
  readonly given: Layer
  readonly hooks: Hooks
  readonly problems: readonly Problem[]
}

/** A key whose value is undefined counts as absent. */
export function sortKeys(config: Readonly<Record<string, unknown>>, origin: string): Keys {
  const given = new Map<SettingName, Given>()
  const hooks: Partial<Record<HookName, unknown>> = {}
  const problems: Problem[] = []
  const refuse = (message: string | undefined) => message !== undefined && problems.push({ origin, message })

  for (const [key, value] of Object.entries(config)) {
    const name = settingNamed(key)
    // `$schema` in a JSON file is for editors.
    if (value === undefined || key === '$schema') continue
    if (name === 'config') refuse('config can only be given as a flag: write tsicorn -c FILE')
    else if (name !== undefined && given.has(name))
      refuse(`${key} is another name of a setting that is set already: keep ${name}`)
    else if (name !== undefined) given.set(name, { value, origin })
    else if (isHook(key)) {
      refuse(whyInvalidHook(key, value))
      hooks[key] = value
    } else if (Object.hasOwn(dirtyHooks, key)) refuse(`${key} is not available yet`)
    else if (Object.hasOwn(missing, key)) refuse(whyMissing(key, key))
    else refuse(`${key} is not a setting: ${hintFor(key)}`)
  }
  return { given, hooks: hooks as Hooks, problems }
}

/** What to use instead of a key that is not a setting. */
export function hintFor(key: string): string {
  if (Object.hasOwn(otherKeys, key)) return otherKeys[key] as string
  const flag = `--${key.replaceAll('_', '-')}`
  const meant =
    settingNames.find(
      name => declarations[name].flag === flag || declarations[name].also?.some(also => also === flag),
    ) ?? nearest(key, [...settingNames, ...Object.keys(hookTable)])
  return meant === undefined ? 'see tsicorn --help' : `did you mean ${meant}?`
}
