/** All settings in one table, and the types derived from it. */
import type { Hooks } from '../hooks/table.ts'
import type { Declaration, Group } from './kinds/declaration.ts'
import type { Kind } from './kinds/kinds.ts'
import type { ConfigContext } from './load/file.ts'
import type { OptionDocs } from './option-docs.ts'
import { configFile } from './settings/config-file.ts'
import { control } from './settings/control.ts'
import { debugging } from './settings/debugging.ts'
import { dirtyArbiters } from './settings/dirty-arbiters.ts'
import { http2 } from './settings/http2.ts'
import { logging } from './settings/logging.ts'
import { programs } from './settings/programs.ts'
import { security } from './settings/security.ts'
import { processNaming, serverMechanics } from './settings/server-mechanics.ts'
import { serverSocket } from './settings/server-socket.ts'
import { ssl } from './settings/ssl.ts'
import { workerProcesses } from './settings/worker-processes.ts'

const table = {
  ...configFile,
  ...serverSocket,
  ...workerProcesses,
  ...security,
  ...debugging,
  ...serverMechanics,
  ...logging,
  ...processNaming,
  ...ssl,
  ...http2,
  ...dirtyArbiters,
  ...control,
  ...programs,
}

/** The settings grouped as in Gunicorn's reference, in the same order. */
export const groups: Readonly<Record<string, Group>> = {
  'Config file': configFile,
  'Server socket': serverSocket,
  'Worker processes': workerProcesses,
  Security: security,
  Debugging: debugging,
  'Server mechanics': serverMechanics,
  Logging: logging,
  'Process naming': processNaming,
  SSL: ssl,
  'HTTP/2': http2,
  'Dirty arbiters': dirtyArbiters,
  Control: control,
  'Other programs': programs,
}

type Table = typeof table

export type SettingName = keyof Table

type ValueOf<D extends Declaration> = D['kind'] extends Kind<infer _, infer Value> ? Value : never

type WrittenOf<D extends Declaration> = D['kind'] extends Kind<infer Written, infer _> ? Written : never

/** The value of every setting. Durations are in seconds, sizes in bytes. */
export type Settings = { readonly [Name in SettingName]: ValueOf<Table[Name]> }

type SentName = {
  [Name in SettingName]: Table[Name] extends { readonly sent: true } ? Name : never
}[SettingName]

/** The settings that workers get as they are. */
export type SentSettings = Pick<Settings, SentName>

type Written = {
  readonly [Name in Exclude<SettingName, 'config'>]?: WrittenOf<Table[Name]> | undefined
}

/** The type of a configuration: any settings and hooks. `OptionDocs` contributes the comments that editors show. */
export type Config = OptionDocs & Written & Hooks & { readonly wsgi_app?: string | null | undefined }

/** A configuration that is computed at each start and reload. */
export type ConfigFunction = (context: ConfigContext) => Config | Promise<Config>

export const settingNames = Object.keys(table) as readonly SettingName[]

export const declarations: Readonly<Record<SettingName, Declaration>> = table

export function sentSettings(settings: Settings): SentSettings {
  const names = settingNames.filter(name => declarations[name].sent)
  return Object.fromEntries(names.map(name => [name, settings[name]])) as unknown as SentSettings
}

/** The setting with this name or alias. */
export function settingNamed(name: string): SettingName | undefined {
  if (Object.hasOwn(table, name)) return name as SettingName
  return settingNames.find(candidate => declarations[candidate].alias === name)
}
