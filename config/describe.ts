/** Describes settings, with the same words in `--help`, in the reference and in editors. */
import { isHook } from '../hooks/check.ts'
import type { HookName } from '../hooks/table.ts'
import { declarations, type SettingName, settingNamed, settingNames } from './table.ts'

/** A value as a user would write it. */
export function showValue(name: SettingName, value: unknown): string {
  return declarations[name].kind.show?.(value) ?? JSON.stringify(value)
}

/** The default, independent of the machine. */
export function defaultInWords(name: SettingName): string {
  const { default: value, default_words: words, env } = declarations[name]
  const usual = words ?? (value === null ? 'none' : showValue(name, value))
  return env ? `from $${env.name}, else ${usual}` : usual
}

/** All spellings of a flag, the short one first. */
export function spellingsOf(name: SettingName): readonly string[] {
  const { kind, flag, short, also = [] } = declarations[name]
  const off = kind.switch && flag ? [`--no-${flag.slice(2)}`] : []
  return [short, flag, ...off, ...also].filter(spelling => spelling !== undefined)
}

/** The topic of `--help TOPIC`: `all`, a hook, or a setting by its name or one of its flags. */
export function topicNamed(topic: string): 'all' | SettingName | HookName | undefined {
  if (topic === 'all' || isHook(topic)) return topic
  const isMeant = (name: SettingName) =>
    spellingsOf(name).some(spelling => spelling === topic || spelling === `--${topic}`)
  return settingNamed(topic) ?? settingNames.find(isMeant)
}
