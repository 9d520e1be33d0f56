/** `node:fs/promises` of a simulated machine, whose kernel does not tell how many connections wait. */
import { systemError } from '../machine/system-error.ts'

export async function open(): Promise<never> {
  throw systemError('ENOENT')
}
