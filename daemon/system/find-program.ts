/** Finds the file of a program as a shell would, and says what is wrong where there is none. */
import { accessSync, constants, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { systemMessage } from '../../worker/protocol/system-error.ts'

/** Where programs are looked for without a PATH, as shells do. */
const usualPath = '/usr/local/bin:/usr/bin:/bin'

/** Undefined if the program can be run in that folder with that PATH, else why it cannot. */
export function whyNoProgram(name: string, cwd: string, path = usualPath): string | undefined {
  const what = `The program ${JSON.stringify(name)}`
  if (name.includes('/')) {
    const trouble = troubleWith(resolve(cwd, name))
    return trouble && `${what} cannot be run: ${trouble}`
  }
  const found = path.split(':').map(folder => troubleWith(join(resolve(cwd, folder), name)))
  if (found.includes(undefined)) return undefined
  const trouble = found.find(one => one !== missing)
  if (trouble !== undefined) return `${what} cannot be run: ${trouble}`
  return `${what} is not in PATH (${path}): correct its name, install it, or give its path`
}

const missing = 'it does not exist: correct its path'

function troubleWith(file: string): string | undefined {
  try {
    if (statSync(file).isDirectory()) return `${file} is a folder: name a file`
    accessSync(file, constants.X_OK)
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return missing
    const cure = code === 'EACCES' ? `: make it executable (chmod +x ${file})` : ''
    return `${systemMessage(error as Error)}${cure}`
  }
}
