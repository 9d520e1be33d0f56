/** Looks up the user and group of the workers, by name or number. */
import { execFile } from 'node:child_process'
import type { Problem } from '../load/config-error.ts'
import type { SettingName, Settings } from '../table.ts'
import { show } from './layers.ts'

/** The user and group that workers run as; absent fields stay as in the arbiter. */
export interface WorkerUser {
  readonly uid?: number
  readonly gid?: number
  /** The name of the user, where the user has one. */
  readonly user?: string
  readonly home?: string
  /** Also take the other groups of the user. */
  readonly initgroups: boolean
  /** As configured, for messages: `user "nobody" and group "www"`. */
  readonly words: string
}

type AccountSettings = Pick<Settings, 'user' | 'group' | 'initgroups'>

/** Looks up `user` and `group`; an unknown name is a problem. As in Gunicorn, 0 means no change. */
export async function findWorkerUser(
  { user, group, initgroups }: AccountSettings,
  origins: Readonly<Record<SettingName, string>>,
): Promise<{ readonly owner?: WorkerUser; readonly problems: readonly Problem[] }> {
  if (user === null && group === null) return { problems: [] }
  const account = user === null ? undefined : await findEntry('passwd', user)
  const grouping = group === null ? undefined : await findEntry('group', group)
  const problems: Problem[] = []
  if (user !== null && account === undefined) {
    problems.push({
      origin: origins.user,
      message: `user must be a user of this machine, by name or number, not ${show(user)}`,
    })
  }
  if (group !== null && grouping === undefined) {
    problems.push({
      origin: origins.group,
      message: `group must be a group of this machine, by name or number, not ${show(group)}`,
    })
  }
  if (problems.length > 0) return { problems }
  const [name, , uid, ownGroup, , home] = account ?? []
  const gid = grouping?.[2] ?? ownGroup
  if (isUnchanged(uid) && isUnchanged(gid)) return { problems }
  const words = [user === null ? [] : `user ${show(user)}`, group === null ? [] : `group ${show(group)}`]
  return {
    problems,
    owner: {
      ...(isUnchanged(uid) ? {} : { uid: Number(uid) }),
      ...(isUnchanged(gid) ? {} : { gid: Number(gid) }),
      ...(name && !isUnchanged(uid) ? { user: name } : {}),
      ...(home && !isUnchanged(uid) ? { home } : {}),
      initgroups,
      words: words.flat().join(' and '),
    },
  }
}

function isUnchanged(id: string | undefined): boolean {
  return id === undefined || Number(id) === 0
}

type Database = 'passwd' | 'group'

/** The largest id; the next one means "unchanged" to the kernel. */
const maxId = 2 ** 32 - 2

/** The fields of the entry; for a number without an entry, only the number, at its position. */
async function findEntry(
  database: Database,
  text: string,
): Promise<readonly (string | undefined)[] | undefined> {
  const isNumber = /^\d+$/.test(text)
  if (isNumber && Number(text) > maxId) return undefined
  const found = entryIn(await readDatabase(database), text) ?? entryIn(await askGetent(database, text), text)
  return found ?? (isNumber ? [undefined, undefined, String(Number(text))] : undefined)
}

function entryIn(text: string, wanted: string): readonly string[] | undefined {
  const place = /^\d+$/.test(wanted) ? 2 : 0
  const value = place === 2 ? String(Number(wanted)) : wanted
  return text
    .split('\n')
    .map(line => line.split(':'))
    .find(fields => fields.length > 3 && fields[place] === value)
}

async function readDatabase(database: Database): Promise<string> {
  try {
    const { readFile } = await import('node:fs/promises')
    return await readFile(`/etc/${database}`, 'utf8')
  } catch (error) {
    // In an image without this file, numbers still work.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

/** Asks directory services such as LDAP; empty if there is no such command. */
async function askGetent(database: Database, text: string): Promise<string> {
  return await new Promise(resolve => {
    execFile('getent', [database, '--', text], { timeout: 10_000 }, (_, answer) => resolve(answer))
  })
}
