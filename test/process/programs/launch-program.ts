/** Servers whose workers are programs, for tests. */
import { fresh } from '../../support/requests.ts'
import { type LaunchOptions, launch, type Tsicorn, testApp } from '../../support/tsicorn.ts'

const program = [process.execPath, testApp('program.mjs')]

export interface ProgramOptions extends Omit<LaunchOptions, 'args' | 'command'> {
  /** Instead of the usual one. */
  readonly program?: readonly string[]
}

/** Starts one on a free port; flags come before `--`, and the usual program says when it serves. */
export function launchProgram(flags: readonly string[] = [], options: ProgramOptions = {}): Tsicorn {
  const { program: command = program, ...rest } = options
  const args = ['-k', 'exec', '-b', '127.0.0.1:0', '--log-level', 'debug', ...flags, '--', ...command]
  return launch({ ...rest, args })
}

/** The usual program, with these arguments. */
export function usual(...args: readonly string[]): readonly string[] {
  return [...program, ...args]
}

export const readyLine = ['--ready-line', '^it serves$'] as const

/** What the usual program has got. */
export async function gotBy(
  url: string,
): Promise<Readonly<Record<string, string | number | readonly string[] | null>>> {
  return JSON.parse(await fresh(url))
}

/** A program for `sh`. */
export function sh(text: string, ...args: readonly string[]): readonly string[] {
  return ['/bin/sh', '-c', text, 'sh', ...args]
}
