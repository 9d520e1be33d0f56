/** Checks what each kind of worker needs, and what it cannot have. */
import { isDeepStrictEqual } from 'node:util'
import type { HookName, Hooks } from '../../hooks/table.ts'
import { hookTable } from '../../hooks/table.ts'
import { parseBind } from '../kinds/bind-address.ts'
import { fillIn, parseProbe } from '../kinds/programs.ts'
import type { Problem } from '../load/config-error.ts'
import { programs } from '../settings/programs.ts'
import { declarations, type SettingName, type Settings, settingNames } from '../table.ts'
import { defaultOf, show } from './layers.ts'

type Origins = Readonly<Record<SettingName, string>>

export function checkWorkerClass(settings: Settings, hooks: Hooks, origins: Origins): readonly Problem[] {
  const others = [
    ...settingNames.flatMap(name => checkKind(name, settings, origins)),
    ...checkRefused(settings, origins),
  ]
  if (settings.worker_class !== 'exec')
    return [...others, ...checkProgramSettings(settings, origins), ...checkThreads(settings, origins)]
  return [
    ...others,
    ...checkProgram(settings, origins),
    ...checkHooks(hooks),
    ...checkReadiness(settings, origins),
  ]
}

/** Settings that belong to other kinds; what a program cannot have is told with its reason. */
function checkKind(name: SettingName, settings: Settings, origins: Origins): readonly Problem[] {
  const { kinds } = declarations[name]
  const { worker_class } = settings
  const isTold = name in (refusals[worker_class] ?? {})
  if (kinds === undefined || kinds.includes(worker_class) || isTold) return []
  if (!isGiven(name, settings, origins)) return []
  const message = `${name} needs worker_class ${kinds.join(' or ')}, not ${worker_class}`
  return [{ origin: origins[name], message }]
}

/** Settings of programs, where workers are none. */
function checkProgramSettings(settings: Settings, origins: Origins): readonly Problem[] {
  const given = (Object.keys(programs) as SettingName[]).filter(name => isGiven(name, settings, origins))
  return given.map(name => ({
    origin: origins[name],
    message: `${name} is for programs, and worker_class is ${show(settings.worker_class)}: set worker_class to "exec", or leave ${name} out`,
  }))
}

/** A thread without a share of the connections would accept none, and 0 is no limit. */
function checkThreads(
  { worker_class, threads, worker_connections: most }: Settings,
  origins: Origins,
): readonly Problem[] {
  if (worker_class !== 'threads' || most === 0 || most >= threads) return []
  const message = `worker_connections must be at least threads, which is ${threads}, not ${most}: each thread accepts its share`
  return [{ origin: origins.worker_connections, message }]
}

function checkProgram({ app, app_args }: Settings, origins: Origins): readonly Problem[] {
  const [program = ''] = app_args
  if (app === null && program.trim() !== '') return []
  const example = 'tsicorn -k exec -- PROGRAM ARGUMENTS'
  if (app === null)
    return [
      { origin: origins.worker_class, message: `worker_class "exec" needs a program: write ${example}` },
    ]
  const message =
    program === ''
      ? `worker_class "exec" runs a program, which is named after --: write tsicorn -k exec -- ${app}`
      : `worker_class "exec" runs ${show(program)}, so there is no use for the application ${show(app)}: leave one of them out`
  return [{ origin: origins.app, message }]
}

const http = 'tsicorn does not see the requests of a program'
const heartbeat = 'a program shows no heartbeat'
const tls = 'a program accepts the connections itself: let it speak TLS'

const http2Settings = [
  'http_protocols',
  'http2_cleartext',
  'http2_max_concurrent_streams',
  'http2_initial_window_size',
  'http2_max_frame_size',
  'http2_max_header_list_size',
] as const

type Refusals = Readonly<Partial<Record<SettingName, string>>>

const ofPrograms: Refusals = {
  threads: 'a program has threads of its own: tell it how many',
  balance: 'a program accepts the connections itself',
  timeout: heartbeat,
  timeout_stack: heartbeat,
  ...because(http, [
    'request_timeout',
    'max_requests',
    'max_requests_jitter',
    'worker_connections',
    'keepalive',
    'ready_path',
    'limit_request_line',
    'limit_request_fields',
    'limit_request_field_size',
    'limit_request_body',
    'header_timeout',
    'write_timeout',
    'limit_response_buffer',
    'accesslog',
    'access_log_format',
    'secure_scheme_headers',
    'forwarded_allow_ips',
    'forwarder_headers',
    'header_map',
    'proxy_protocol',
    'proxy_allow_ips',
    ...http2Settings,
  ]),
  ...because(tls, ['certfile', 'keyfile', 'ca_certs', 'cert_reqs', 'ssl_version', 'ciphers']),
  wait_ready: 'a program has no channel of Node: use ready_fd, ready_line or ready_http',
  app_metrics: 'the metrics of a program are its own: let Prometheus ask it',
  preload_app: 'a program is started as a whole each time',
  reuse_port: 'a program inherits its sockets',
  initgroups: 'a program is started with the groups of group alone',
}

const http2 = 'a connection of HTTP/2 carries several requests at a time'

const ofSync: Refusals = {
  threads: 'a worker serves one request at a time',
  worker_connections: 'a worker has one connection at a time',
  balance: 'a worker has one connection at a time',
  keepalive: 'a connection carries one request, and is closed after its response',
  reuse_port: 'what waits at a socket of one worker could not go to another',
  ...because(http2, http2Settings),
}

/** What a kind of worker cannot have, and why. */
export const refusals: Readonly<Partial<Record<Settings['worker_class'], Refusals>>> = {
  exec: ofPrograms,
  sync: ofSync,
}

function because(why: string, names: readonly SettingName[]): Partial<Record<SettingName, string>> {
  return Object.fromEntries(names.map(name => [name, why]))
}

function checkRefused(settings: Settings, origins: Origins): readonly Problem[] {
  return settingNames.flatMap(name => {
    const why = refusals[settings.worker_class]?.[name]
    const isLater = declarations[name].available === false
    if (why === undefined || isLater || !isGiven(name, settings, origins)) return []
    return [
      {
        origin: origins[name],
        message: `worker_class ${show(settings.worker_class)} has no ${name}: ${why}`,
      },
    ]
  })
}

/** Set to something else than the default. Variables such as `FORWARDED_ALLOW_IPS` may be meant for the program. */
function isGiven(name: SettingName, settings: Settings, origins: Origins): boolean {
  if (origins[name] === declarations[name].env?.name) return false
  const usual = defaultOf(name, { cwd: '', app: '', platform: process.platform })
  return !isDeepStrictEqual(settings[name], declarations[name].kind.read(usual))
}

/** Hooks that run in a worker; the arbiter calls `worker_abort` itself for a worker that cannot. */
function checkHooks(hooks: Hooks): readonly Problem[] {
  return (Object.keys(hooks) as HookName[])
    .filter(name => hookTable[name].runs_in === 'worker' && name !== 'worker_abort')
    .map(name => ({
      message: `worker_class "exec" has no hook ${name}, which runs in a worker of Node: use pre_fork or child_exit`,
    }))
}

const ways = ['ready_fd', 'ready_line', 'ready_http', 'ready_after'] as const

function checkReadiness(settings: Settings, origins: Origins): readonly Problem[] {
  const given = ways.filter(name => isGiven(name, settings, origins))
  const problems: Problem[] = given.slice(1).map(name => ({
    origin: origins[name],
    message: `${name} and ${given[0]} are two ways to be ready: keep one of them`,
  }))
  const { ready_fd: fd, ready_http: url, bind } = settings
  const least = 3 + bind.length
  if (fd > 0 && fd < least) {
    const message = `ready_fd must be ${least} or more, not ${fd}: the sockets are at 3 to ${least - 1}`
    problems.push({ origin: origins.ready_fd, message })
  }
  const shared = url === null ? undefined : bind.find(text => isAt(url, text, settings.chdir))
  if (shared !== undefined) {
    const message = `ready_http ${show(url)} is at ${shared}, where any worker may answer: let the program listen at an address of its own as well`
    problems.push({ origin: origins.ready_http, message })
  }
  return problems
}

/** Whether the probe would go to this address of all workers. */
function isAt(url: string, text: string, folder: string): boolean {
  const probe = parseProbe(fillIn(url, 1, 0))
  try {
    const address = parseBind(text, folder)
    if (address.kind === 'unix') return probe?.socketPath === address.path
    return address.kind === 'tcp' && probe?.port === address.port
  } catch {
    // Wrong, which another check says.
    return false
  }
}
