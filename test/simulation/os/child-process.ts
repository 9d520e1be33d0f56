/** `node:child_process` of a simulated machine. */
import { machine, type SpawnedWith } from '../machine/machine.ts'

export function spawn(file: string, args: readonly string[], options: SpawnedWith): unknown {
  return machine().spawn(file, args, options)
}

export function execFile(): never {
  throw new Error('This is not simulated')
}
