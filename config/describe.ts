/** Settings in words: the same in `--help`, in the reference and in editors. */
import { isHook } from '../hooks/check.ts'
import type { HookName } from '../hooks/table.ts'
import { declarations, type SettingName, settingNamed, settingNames } from './table.ts'

/** A value as a user would write it. */
export function inWords(name: SettingName, value: unknown): string {
  return declarations[name].kind.show?.(value) ?? JSON.stringify(value)
}

/** The default, whatever the machine. */
export function defaultInWords(name: SettingName): string {
  const { default: value, default_words: words, env } = declarations[name]
  const usual = words ?? (value === null ? 'none' : inWords(name, value))
  return env ? `from $${env.name}, else ${usual}` : usual
}

/** All spellings of a flag, the short one first. */
export function spellingsOf(name: SettingName): readonly string[] {
  const { kind, flag, short, also = [] } = declarations[name]
  const off = kind.switch && flag ? [`--no-${flag.slice(2)}`] : []
  return [short, flag, ...off, ...also].filter(spelling => spelling !== undefined)
}

/** `all`, a hook, or the setting that is meant by its name or a flag of it. */
export function topicNamed(topic: string): 'all' | SettingName | HookName | undefined {
  if (topic === 'all' || isHook(topic)) return topic
  const isMeant = (name: SettingName) =>
    spellingsOf(name).some(spelling => spelling === topic || spelling === `--${topic}`)
  return settingNamed(topic) ?? settingNames.find(isMeant)
}
