/** The command line: reads the configuration and runs the command. */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { ConfigError } from '../config/load/config-error.ts'
import { help, type Terminal } from '../config/print/help.ts'
import { printConfig } from '../config/print/print-config.ts'
import { type Resolved, resolve, type Sources } from '../config/resolve/resolve.ts'
import { packageFolder } from '../hooks/own-files.ts'
import { messageOf, stackOf } from '../hooks/thrown.ts'
import { within } from '../hooks/time-limit.ts'
import { exitCodes } from '../worker/protocol/exit-codes.ts'
import type { AdminServer } from './admin/admin-server.ts'
import { Arbiter } from './arbiter/arbiter.ts'
import { ControlSocket } from './control/control-socket.ts'
import { tryConfig } from './generation/config-trial.ts'
import { type ErrorLog, type ErrorLogOptions, openErrorLog } from './logs/error-log.ts'
import { RecentLines } from './logs/recent-lines.ts'
import { Outlets } from './logs/telemetry.ts'
import { daemonize, findLauncher, type Launcher } from './process/daemonize.ts'
import { hearParent } from './process/parent-channel.ts'
import { Pidfile, pidfileOf } from './process/pidfile.ts'
import { ProcessGuard } from './process/process-guard.ts'
import { deafRunner } from './process/script-runner.ts'
import { createNotifier, notifyVariables } from './process/sd-notify.ts'
import { startFolder } from './process/start-folder.ts'
import { privateVariables, readInheritedFds } from './sockets/inherited-fds.ts'

/** Runs the command with these arguments, and sets `process.exitCode`. */
export async function main(argv: readonly string[]): Promise<void> {
  const launcher = findLauncher()
  const complain = (error: unknown) => {
    const text = `${describe(error)}\n`
    process.stderr.write(text)
    launcher?.complain(text)
    return error instanceof ConfigError ? error.exitCode : exitCodes.failed.code
  }
  // Before any listener of a signal: Node calls those of each signal in the way that it finds at the first.
  const guard = new ProcessGuard(error => guard.exit(complain(error)))
  // On a SIGUSR1 before the arbiter handles signals, Node would open its inspector to any local user.
  process.on('SIGUSR1', () => undefined)
  try {
    const sources = { argv, env: publicEnvironment(), cwd: startFolder(), launcher }
    process.exitCode = await run(await resolve(sources), { ...sources, guard })
  } catch (error) {
    process.exitCode = complain(error)
  }
}

interface Start extends Sources {
  readonly launcher: Launcher | undefined
  readonly guard: ProcessGuard
}

async function run(resolved: Resolved, sources: Start): Promise<number> {
  switch (resolved.command) {
    case 'help':
      return say(help(resolved, terminal()))
    case 'version':
      return say(`tsicorn ${version()}`)
    case 'print':
      say(printConfig(resolved))
      return hasApp(resolved) ? await check(resolved, sources) : exitCodes.ok.code
    case 'check':
      return await check(resolved, sources)
    case 'serve':
      return await serve(resolved, sources)
  }
}

const hasApp = ({ settings }: Resolved) => settings.app !== null || settings.worker_class === 'exec'

async function check(resolved: Resolved, { env }: Sources): Promise<number> {
  const { logger_class, chdir } = resolved.settings
  if (logger_class !== null) await (await import('./logs/logger-factory.ts')).loadFactory(logger_class, chdir)
  const { tryApp } = await import('./try-app.ts')
  const problem = await tryApp(resolved, { env })
  if (problem !== undefined) {
    process.stderr.write(`${problem}\n`)
    return exitCodes.failed.code
  }
  if (resolved.command === 'check') say('The configuration and the app are ok')
  return exitCodes.ok.code
}

async function serve(resolved: Resolved, { launcher, guard, ...sources }: Start): Promise<number> {
  const { settings, parsed } = resolved
  const inheritedFds = readInheritedFds(process.env, process.pid)
  const isNewArbiter = inheritedFds.oldArbiter !== undefined
  if (settings.daemon && launcher === undefined && !isNewArbiter) return await daemonize(settings)
  process.title = `tsicorn: arbiter [${parsed.name}]`
  let log: ErrorLog | undefined
  const pidfile = new Pidfile(message => log?.error(message))
  pidfile.claim(pidfileOf(resolved, isNewArbiter))
  const outlets = new Outlets(message => log?.error(message))
  const recentLines = new RecentLines()
  log = await openLog(resolved, {
    echo: launcher?.log,
    onLine: (...line) => {
      recentLines.add(...line)
      outlets.line(...line)
    },
  })
  await outlets.use(parsed)
  log.info(`Starting tsicorn ${version()}`)
  const deafness = deafRunner(process.env)
  // A terminal sends Ctrl+C to the whole process group.
  if (deafness !== undefined) log.write(process.stdin.isTTY ? 'info' : 'warning', deafness)
  const control = await openControl(resolved, isNewArbiter, log)
  const admin = await openAdmin(resolved, isNewArbiter, log)
  const notifier = createNotifier({ env: process.env, log })
  // Processes that hooks start must not speak for this one.
  for (const name of [...privateVariables, ...notifyVariables]) delete process.env[name]
  const arbiter = new Arbiter({
    resolved,
    inheritedFds,
    notifier,
    guard,
    control,
    admin,
    recentLines,
    version: version(),
    pidfile,
    cwd: sources.cwd,
    preload: async (asked, signal) => {
      if (asked.settings.worker_class === 'wsgi' && asked.owner?.initgroups !== true) {
        const { startForkServer } = await import('./forks/fork-server.ts')
        return await startForkServer({ resolved: asked, env: sources.env, log: log as ErrorLog }, signal)
      }
      const { tryApp } = await import('./try-app.ts')
      return await tryApp(asked, { env: sources.env, signal, log: log?.write })
    },
    readAgain: signal => resolve({ ...sources, tryConfig: trial => tryConfig(trial, signal) }),
    log,
    outlets,
    env: sources.env,
    boots: availableParallelism(),
  })
  const code = await arbiter.run().catch((error: unknown) => fall(error, log as ErrorLog))
  pidfile.close()
  control?.close()
  admin?.close()
  await within(lastWordsMs, closeAll(), () => new Error('late')).catch(() => undefined)
  // At its normal exit, Node would close its handles, and remove the files of unix sockets that a new arbiter serves.
  await guard.leave(code)
  return code

  async function closeAll(): Promise<void> {
    await notifier?.idle()
    await log?.close()
    await outlets.close()
  }
}

async function openControl(
  { parsed: { control } }: Resolved,
  isNewArbiter: boolean,
  log: ErrorLog,
): Promise<ControlSocket | undefined> {
  if (control === null) return undefined
  const path = control.path !== null && isNewArbiter ? `${control.path}.2` : control.path
  const { env } = process
  return await ControlSocket.open({ path, mode: control.mode, env, warn: message => log.warning(message) })
}

/** A new arbiter gets the address, and what was counted, when the old one is gone. */
async function openAdmin(
  { parsed: { metrics, statusTokenFile: tokenFile } }: Resolved,
  isNewArbiter: boolean,
  log: ErrorLog,
): Promise<AdminServer | undefined> {
  if (metrics === null) return undefined
  const { AdminServer } = await import('./admin/admin-server.ts')
  const admin = new AdminServer({
    address: metrics,
    version: version(),
    tokenFile,
    report: message => log.error(message),
  })
  if (isNewArbiter) hearParent(message => admin.inherit(message))
  else await admin.open()
  return admin
}

/** How long the logs may take to write their last lines, in milliseconds; their reader may have stopped reading. */
const lastWordsMs = 5_000

async function openLog(
  resolved: Resolved,
  listeners: Pick<ErrorLogOptions, 'echo' | 'onLine'>,
): Promise<ErrorLog> {
  const { settings, parsed } = resolved
  const { logger_class } = settings
  const options = { ...settings, ...listeners, errorlog: parsed.errorlog }
  if (logger_class === null) return await openErrorLog(options)
  const { openOwnLog } = await import('./logs/custom-logger.ts')
  return await openOwnLog({ ...options, logger_class, name: parsed.name })
}

/**
 * Reports an error of the arbiter itself, after which it has to end: the log gets the stack, and the workers finish by
 * themselves.
 */
function fall(error: unknown, log: ErrorLog): number {
  log.critical(`The arbiter ends by an error of its own: ${stackOf(error)}`)
  return exitCodes.internal.code
}

/** The environment without the variables meant for this process alone. */
function publicEnvironment(): NodeJS.ProcessEnv {
  const env = { ...process.env }
  for (const name of [...privateVariables, ...notifyVariables]) delete env[name]
  return env
}

function version(): string {
  return (JSON.parse(readFileSync(new URL('package.json', packageFolder), 'utf8')) as { version: string })
    .version
}

function terminal(): Terminal {
  const { stdout } = process
  return { columns: stdout.columns || 80, isColoured: stdout.isTTY === true && stdout.hasColors() }
}

function say(text: string): number {
  process.stdout.write(`${text.trimEnd()}\n`)
  return exitCodes.ok.code
}

/** A configuration problem is shown with the stack of the user's code, any other error with its message. */
function describe(error: unknown): string {
  if (error instanceof ConfigError) return error.report
  return messageOf(error)
}
