/** Where servers of one user have their control sockets, if they are given no other place. */
import { isAbsolute, join } from 'node:path'

export type FolderVariables = Readonly<Partial<Record<'XDG_RUNTIME_DIR' | 'HOME', string>>>

/** The folders that come into question, best first. Root's is not in a home folder, whose owner could replace it. */
export function socketFolders(
  { XDG_RUNTIME_DIR, HOME }: FolderVariables,
  user: number | undefined,
): readonly string[] {
  const runtime = XDG_RUNTIME_DIR && join(XDG_RUNTIME_DIR, 'tsicorn')
  const own = user === 0 ? '/run/tsicorn' : HOME && join(HOME, '.tsicorn')
  return [runtime, own].filter(folder => folder !== undefined && isAbsolute(folder)) as string[]
}

/** The name of a server's socket in such a folder. */
export function socketName(pid: number): string {
  return `${pid}.sock`
}
