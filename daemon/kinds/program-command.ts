/** How a program is started: its command line, its environment, and what it inherits. */
import type { SpawnOptions } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cacheVariable } from '../../worker/protocol/frame.ts'
import type { WorkerUser } from '../../worker/protocol/messages.ts'
import { whyNoProgram } from '../system/find-program.ts'
import { accountVariables, splitPair, workerEnvironment } from '../system/worker-command.ts'

/** A socket that a program inherits. */
export interface ProgramSocket {
  readonly fd: number
  /** How `LISTEN_FDNAMES` calls it. */
  readonly name: string
}

export interface CommandOptions {
  /** The program and its arguments. */
  readonly command: readonly string[]
  readonly cwd: string
  /** The environment that workers start from. */
  readonly env: NodeJS.ProcessEnv
  /** The setting of this name. */
  readonly raw_env: readonly string[]
  /** The setting of this name: where the program is mounted. */
  readonly root_path: string
  /** The user to run as, if it is another one. */
  readonly owner?: WorkerUser | undefined
  readonly age: number
  readonly index: number
  readonly sockets: readonly ProgramSocket[]
  /** The descriptor on which the program says that it is ready; 0 for none. */
  readonly ready_fd: number
}

export interface ProgramCommand {
  readonly file: string
  readonly args: readonly string[]
  readonly options: SpawnOptions & { readonly cwd: string; readonly env: NodeJS.ProcessEnv }
}

/** Undefined if the program is there and may be run, else why not. */
export function whyNotRunnable({
  command: [program = ''],
  cwd,
  env,
  raw_env,
}: Pick<CommandOptions, 'command' | 'cwd' | 'env' | 'raw_env'>): string | undefined {
  const { PATH } = { ...env, ...Object.fromEntries(raw_env.map(splitPair)) }
  return whyNoProgram(program, cwd, PATH)
}

/** The first descriptor of the sockets: see sd_listen_fds(3). */
export const firstSocket = 3

const shell = '/bin/sh'

/** Only the process that becomes the program knows its pid. */
const announced = 'LISTEN_PID=$$; export LISTEN_PID; exec "$@"'

/** Gunicorn would take a socket twice that is both announced and named, and close it in between. */
const named = 'exec "$@"'

/** The process leads a session and a group of its own: no terminal signals it, and it can be killed as a whole. */
export function programCommand(options: CommandOptions): ProgramCommand {
  const { command, cwd, owner, sockets, ready_fd } = options
  const [program = '', ...args] = command
  const fds = sockets.map(({ fd }) => fd)
  const isNamed = args.some(arg => /(?:^|=)fd:\/\/\d/.test(arg))
  const unused = Math.max(0, ready_fd - firstSocket - fds.length)
  const readiness = ready_fd === 0 ? [] : [...Array<'ignore'>(unused).fill('ignore'), 'pipe' as const]
  return {
    ...(existsSync(shell)
      ? { file: shell, args: ['-c', isNamed ? named : announced, 'tsicorn', program, ...args] }
      : { file: program, args }),
    options: {
      cwd,
      env: environmentOf(options),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', ...fds, ...readiness],
      ...(owner?.uid === undefined ? {} : { uid: owner.uid }),
      ...(owner?.gid === undefined ? {} : { gid: owner.gid }),
    },
  }
}

/** The variable that marks whatever a worker of this age has started. */
export function ageMark(age: number): string {
  return `TSICORN_WORKER=${age}`
}

function environmentOf({ env, raw_env, root_path, owner, age, index, sockets, ready_fd }: CommandOptions) {
  // A number of workers that Gunicorn and uvicorn would start in each of ours.
  const { WEB_CONCURRENCY: _, [cacheVariable]: __, ...variables } = workerEnvironment(env, { index })
  return {
    ...variables,
    ...accountVariables(owner),
    ...(root_path === '' ? {} : { SCRIPT_NAME: root_path.replace(/\/+$/, '') }),
    ...Object.fromEntries([...raw_env, ageMark(age)].map(splitPair)),
    LISTEN_FDS: `${sockets.length}`,
    LISTEN_FDNAMES: sockets.map(({ name }) => name).join(':'),
    ...(ready_fd === 0 ? {} : { TSICORN_READY_FD: `${ready_fd}` }),
  }
}
